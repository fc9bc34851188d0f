"""Reads a table of MySQL or MariaDB in one consistent snapshot."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Any, Final

import pymysql

from nomaflow.connectors.copies import ArrowSource, BadRow, CsvSource, Unsuited, Values
from nomaflow.connectors.dialects.mysql import catalogue
from nomaflow.connectors.dialects.mysql.csv_lines import MysqlCsv
from nomaflow.connectors.dialects.mysql.expressions import quote, selected
from nomaflow.connectors.dialects.mysql.packets import Fields, Result
from nomaflow.connectors.dialects.mysql.session import open_snapshot
from nomaflow.connectors.dialects.mysql.types import TYPES, is_bits
from nomaflow.connectors.dialects.spelling import qualified
from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import (
    Column,
    ColumnType,
    Kind,
    Query,
    Row,
    Rows,
    Table,
    TableName,
)

_BINARY_KINDS: Final = frozenset({Kind.BYTES, Kind.NATIVE})


class MysqlSource:
    """One connection with an open snapshot."""

    types = TYPES

    def __init__(self, connection: catalogue.Connection) -> None:
        self.connection = connection

    def begin(self) -> None:
        open_snapshot(self.connection)

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self.connection, name)

    def select(
        self, table: Table, columns: Sequence[Column], where: Statement | None, values: Values
    ) -> Query:
        sql = f"SELECT {_selected(columns)} FROM {reference(table.name)}"  # noqa: S608 - quoted
        return Query(f"{sql} WHERE (\n{self._bound(where, values)}\n)" if where else sql)

    def project(
        self, query: Query, columns: Sequence[Column], condition: str | None = None
    ) -> Query:
        sql = f"SELECT {_selected(columns)} FROM (\n{query.sql}\n) AS q"  # noqa: S608 - quoted
        return Query(f"{sql} WHERE {condition}" if condition else sql)

    def newest(self, query: Query, column: str) -> str | None:
        sql = f"SELECT MAX({quote(column)}) FROM (\n{query.sql}\n) AS q"  # noqa: S608 - quoted
        with closing(Result(self.connection, sql)) as result:
            ((found,),) = (row for rows in result.rows() for row in rows)
        return None if found is None else found.decode()

    def digest(self, query: Query) -> str | None:  # noqa: ARG002 - sums of hashes are for rows
        return None

    def query(self, statement: Statement, values: Values) -> tuple[Table, Query]:
        sql = self._bound(statement, values)
        columns = catalogue.described(self.connection, sql)
        table = Table(TableName("query"), columns)
        return table, self.project(Query(sql), columns)

    def observed(self, query: Query, columns: Sequence[str]) -> dict[str, ColumnType]:  # noqa: ARG002
        return {}

    def parts(
        self,
        table: Table,
        columns: Sequence[Column],
        where: Statement | None,
        values: Values,
        number: int,  # noqa: ARG002 - the server lets no two connections share a snapshot
    ) -> Sequence[Query]:
        return [self.select(table, columns, where, values)]

    def about(self, query: Query) -> int | None:  # noqa: ARG002 - InnoDB's guess is far off
        return None

    def count(self, query: Query, seconds: float) -> int | None:
        if catalogue.is_mariadb(self.connection):
            head = f"SET STATEMENT max_statement_time = {seconds} FOR SELECT COUNT(*)"
        else:
            head = f"SELECT /*+ MAX_EXECUTION_TIME({round(seconds * 1000)}) */ COUNT(*)"
        try:
            found = catalogue.fetch(self.connection, f"{head} FROM (\n{query.sql}\n) AS q")
        except pymysql.OperationalError:
            return None
        return int(found[0][0])

    def rows(
        self, query: Query, columns: Sequence[Column], *, verbatim: bool
    ) -> Generator[Rows, None, None]:
        loaders = [_loader(column.type, verbatim=verbatim) for column in columns]
        with closing(Result(self.connection, query.sql)) as result:
            for rows in result.rows():
                yield _loaded(rows, columns, loaders)

    def arrow(self) -> ArrowSource:
        raise Unsuited("MySQL is not read in record batches")

    def csv(self) -> CsvSource:
        return MysqlCsv(self.connection)

    def end(self) -> None:
        self.connection.rollback()

    def _bound(self, statement: Statement, values: Values) -> str:
        """The text with its values in it: the protocol has no others."""
        names, text = statement.rendered(lambda _: "%s", lambda sql: sql.replace("%", "%%"))
        with self.connection.cursor() as cursor:
            return str(cursor.mogrify(text, tuple(values[name] for name in names)))


def reference(name: TableName) -> str:
    """A table as SQL takes it."""
    return qualified(name, quote)


def _selected(columns: Sequence[Column]) -> str:
    return ", ".join(map(selected, columns))


def _text(value: bytes) -> str:
    return value.decode()


def _number_of_bits(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _decimal_of_bits(value: bytes) -> str:
    return str(_number_of_bits(value))


_LOADERS: dict[Kind, Callable[[bytes], Any]] = {
    Kind.INTEGER: int,
    Kind.BOOLEAN: int,
    Kind.FLOAT: float,
    Kind.BYTES: bytes,
    Kind.NATIVE: bytes,
}


def _loader(column: ColumnType, *, verbatim: bool) -> Callable[[bytes], Any]:
    if is_bits(column):
        if verbatim:
            return bytes
        return _decimal_of_bits if column.kind is Kind.DECIMAL else _number_of_bits
    if verbatim:
        return bytes if column.kind in _BINARY_KINDS else _text
    return _LOADERS.get(column.kind, _text)


def _loaded(
    rows: list[Fields], columns: Sequence[Column], loaders: Sequence[Callable[[bytes], Any]]
) -> Rows:
    loaded = []
    for place, (load, values) in enumerate(zip(loaders, zip(*rows, strict=True), strict=True)):
        try:
            loaded.append([None if value is None else load(value) for value in values])
        except UnicodeDecodeError:
            raise _bad_row(rows, place, columns) from None
    return list(zip(*loaded, strict=True))


def _bad_row(rows: list[Fields], place: int, columns: Sequence[Column]) -> BadRow:
    """Which row it is whose text cannot be decoded."""
    row = next(row for row in rows if not _is_utf8(row[place]))
    return BadRow(_readable(row), columns[place].name, "holds text that is not valid UTF-8")


def _is_utf8(value: bytes | None) -> bool:
    return value is None or value.decode(errors="ignore").encode() == value


def _readable(row: Fields) -> Row:
    return tuple(None if value is None else value.decode(errors="replace") for value in row)
