"""Reads a SQL Server table in one transaction of snapshot isolation."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import mssql_python

from nomaflow.connectors.copies import ArrowSource, CsvSource, Unsuited, Values
from nomaflow.connectors.dialects.mssql import catalogue
from nomaflow.connectors.dialects.mssql.types import TYPES, quote, read
from nomaflow.connectors.dialects.spelling import qualified, selected
from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import Column, ColumnType, Kind, Query, Rows, Table, TableName

_CHUNK_ROWS: Final = 256


@dataclass(frozen=True)
class Bound(Query):
    """`plain` is the same without values, NULL in their places: the server describes only that."""

    plain: str = ""

    def within(self, make: Callable[[str], str]) -> "Bound":
        """A query around this one."""
        return Bound(make(self.sql), self.params, make(self.plain))


class MssqlSource:
    """One connection with an open snapshot."""

    types = TYPES

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def begin(self) -> None:
        catalogue.refuse_without_snapshot(self.connection)
        self.connection.commit()
        with self.connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL SNAPSHOT")

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self.connection, name)

    def select(
        self, table: Table, columns: Sequence[Column], where: Statement | None, values: Values
    ) -> Query:
        sql = f"SELECT {selected(columns, quote)} FROM {qualified(table.name, quote)}"  # noqa: S608 - quoted
        if where is None:
            return Bound(sql, (), sql)
        return _bound(where, values).within(lambda condition: f"{sql} WHERE (\n{condition}\n)")

    def project(
        self, query: Query, columns: Sequence[Column], condition: str | None = None
    ) -> Query:
        where = f" WHERE {condition}" if condition else ""
        return _known(query).within(lambda sql: _over(selected(columns, quote), sql) + where)

    def newest(self, query: Query, column: str) -> str | None:
        """As text with every digit: a mark that is cut would bring rows twice."""
        described = catalogue.described(self.connection, _known(query).plain)
        kind = next(found.type for found in described if found.name == column)
        greatest = f"MAX({quote(column)})"
        binary = f"CONVERT(varchar(max), CAST({greatest} AS varbinary(8000)), 1)"
        item = binary if kind.kind is Kind.BYTES else read(greatest, kind)
        ((found,),) = catalogue.fetched(self.connection, _over(item, query.sql), query.params)
        for function in TYPES.decode(kind, kind):
            (found,) = function([found])
        return None if found is None else str(found)

    def digest(self, query: Query) -> str | None:  # noqa: ARG002 - its checksums are too short
        return None

    def query(self, statement: Statement, values: Values) -> tuple[Table, Query]:
        query = _bound(statement, values)
        columns = catalogue.described(self.connection, query.plain)
        return Table(TableName("query"), columns), query

    def observed(self, query: Query, columns: Sequence[str]) -> dict[str, ColumnType]:  # noqa: ARG002
        return {}

    def parts(
        self,
        table: Table,
        columns: Sequence[Column],
        where: Statement | None,
        values: Values,
        number: int,  # noqa: ARG002 - a second session would see another instant
    ) -> Sequence[Query]:
        return [self.select(table, columns, where, values)]

    def about(self, query: Query) -> int | None:  # noqa: ARG002 - statistics may be of any age
        return None

    def count(self, query: Query, seconds: float) -> int | None:
        self.connection.timeout = round(seconds)
        try:
            found = catalogue.fetched(
                self.connection, _over("COUNT_BIG(*)", query.sql), query.params
            )
        except mssql_python.Error:
            return None
        finally:
            self.connection.timeout = 0
        return int(found[0][0])

    def rows(
        self,
        query: Query,
        columns: Sequence[Column],
        *,
        verbatim: bool,  # noqa: ARG002 - there is no copy into SQL Server
    ) -> Generator[Rows, None, None]:
        items = ", ".join(read(quote(column.name), column.type) for column in columns)
        with self.connection.cursor() as cursor:
            cursor.execute(_over(items, query.sql), list(query.params))
            while rows := cursor.fetchmany(_CHUNK_ROWS):
                yield [tuple(row) for row in rows]

    def arrow(self) -> ArrowSource:
        raise Unsuited("SQL Server is not read in record batches")

    def csv(self) -> CsvSource:
        raise Unsuited("SQL Server is not read as CSV")

    def end(self) -> None:
        self.connection.rollback()


def _over(items: str, sql: str) -> str:
    return f"SELECT {items} FROM (\n{sql}\n) AS q"  # noqa: S608 - quoted


def _bound(statement: Statement, values: Values) -> Bound:
    names, text = statement.rendered(lambda _: "?")
    plain = statement.rendered(lambda _: "NULL")[1]
    return Bound(text, [values[name] for name in names], plain)


def _known(query: Query) -> Bound:
    return query if isinstance(query, Bound) else Bound(query.sql, query.params, query.sql)
