"""Reads an Oracle table in one read-only transaction, in which every query sees one instant."""

from collections.abc import Generator, Sequence
from typing import Any, Final

import oracledb

from nomaflow.connectors.copies import ArrowSource, CsvSource, Unsuited, Values
from nomaflow.connectors.dialects.oracle import catalogue
from nomaflow.connectors.dialects.oracle.types import TYPES, quote, read
from nomaflow.connectors.dialects.spelling import qualified, selected
from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import Column, ColumnType, Query, Rows, Table, TableName

_CHUNK_ROWS: Final = 256


class OracleSource:
    """One connection with an open snapshot, for as long as the server's undo lasts."""

    types = TYPES

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def begin(self) -> None:
        self.connection.rollback()
        with self.connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self.connection, name)

    def select(
        self, table: Table, columns: Sequence[Column], where: Statement | None, values: Values
    ) -> Query:
        sql = f"SELECT {selected(columns, quote)} FROM {qualified(table.name, quote)}"  # noqa: S608 - quoted
        if where is None:
            return Query(sql)
        condition = _bound(where, values)
        return Query(f"{sql} WHERE (\n{condition.sql}\n)", condition.params)

    def project(
        self, query: Query, columns: Sequence[Column], condition: str | None = None
    ) -> Query:
        sql = f"SELECT {selected(columns, quote)} FROM (\n{query.sql}\n) q"  # noqa: S608 - quoted
        return Query(f"{sql} WHERE {condition}" if condition else sql, query.params)

    def newest(self, query: Query, column: str) -> str | None:
        """As text with every digit: a mark that is cut would bring rows twice."""
        described = catalogue.described(self.connection, query.sql, query.params)
        kind = next(found.type for found in described if found.name == column)
        item = read(f"MAX({quote(column)})", kind)
        ((found,),) = catalogue.fetched(self.connection, _over(item, query), query.params)
        for function in TYPES.decode(kind, kind):
            (found,) = function([found])
        return None if found is None else str(found)

    def digest(self, query: Query) -> str | None:  # noqa: ARG002 - ORA_HASH is too short
        return None

    def query(self, statement: Statement, values: Values) -> tuple[Table, Query]:
        query = _bound(statement, values)
        columns = catalogue.described(self.connection, query.sql, query.params)
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
        self.connection.call_timeout = round(seconds * 1000)
        try:
            found = catalogue.fetched(self.connection, _over("COUNT(*)", query), query.params)
        except oracledb.DatabaseError:
            return None
        finally:
            self.connection.call_timeout = 0
        return int(found[0][0])

    def rows(
        self,
        query: Query,
        columns: Sequence[Column],
        *,
        verbatim: bool,  # noqa: ARG002 - there is no copy into Oracle
    ) -> Generator[Rows, None, None]:
        items = ", ".join(read(quote(column.name), column.type) for column in columns)
        with self.connection.cursor() as cursor:
            cursor.arraysize = cursor.prefetchrows = _CHUNK_ROWS
            cursor.execute(
                _over(items, query), list(query.params), fetch_lobs=False, fetch_decimals=True
            )
            while rows := cursor.fetchmany(_CHUNK_ROWS):
                yield rows

    def arrow(self) -> ArrowSource:
        raise Unsuited("Oracle is not read in record batches")

    def csv(self) -> CsvSource:
        raise Unsuited("Oracle is not read as CSV")

    def end(self) -> None:
        self.connection.rollback()


def _over(items: str, query: Query) -> str:
    return f"SELECT {items} FROM (\n{query.sql}\n) q"  # noqa: S608 - quoted


def _bound(statement: Statement, values: Values) -> Query:
    names, text = statement.rendered(lambda place: f":{place}")
    return Query(text, [values[name] for name in names])
