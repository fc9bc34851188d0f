"""Reads a DuckDB table inside one read transaction."""

import threading
from collections.abc import Generator, Sequence
from contextlib import suppress
from importlib.util import find_spec

import duckdb

from nomaflow.connectors.copies import ArrowSource, CsvSource, Unsuited, Values
from nomaflow.connectors.dialects.duckdb import catalogue
from nomaflow.connectors.dialects.duckdb.expressions import quote, text_literal
from nomaflow.connectors.dialects.duckdb.memory import keep_more, stream
from nomaflow.connectors.dialects.duckdb.types import TYPES
from nomaflow.connectors.dialects.spelling import selected
from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import (
    Column,
    ColumnType,
    Kind,
    Query,
    Rows,
    Table,
    TableName,
)

_CHUNK_ROWS = 256
_AS_THEY_ARE = frozenset({Kind.INTEGER, Kind.BOOLEAN, Kind.TEXT, Kind.BYTES, Kind.JSON})
_PROVEN = (
    "CASE WHEN {c} IS NULL OR CAST({text} AS {type}) IS NOT DISTINCT FROM {c} THEN {text}"
    " ELSE error({refusal}) END"
)


class DuckdbSource:
    """One connection with an open snapshot: writers of this process go on, we do not see them."""

    types = TYPES

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def begin(self) -> None:
        """A snapshot is taken when a database is first looked at."""
        stream(self.connection)
        self.connection.execute("BEGIN TRANSACTION READ ONLY")
        catalogue.first(self.connection, "SELECT count(*) FROM duckdb_tables()")

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self.connection, name)

    def select(
        self, table: Table, columns: Sequence[Column], where: Statement | None, values: Values
    ) -> Query:
        sql = f"SELECT {selected(columns, quote)} FROM {catalogue.reference(table.name)}"  # noqa: S608
        if where is None:
            return Query(sql)
        condition = _bound(where, values)
        return Query(f"{sql} WHERE (\n{condition.sql}\n)", condition.params)

    def project(
        self, query: Query, columns: Sequence[Column], condition: str | None = None
    ) -> Query:
        sql = f"SELECT {selected(columns, quote)} FROM (\n{query.sql}\n) AS q"  # noqa: S608 - quoted
        return Query(f"{sql} WHERE {condition}" if condition else sql, query.params)

    def newest(self, query: Query, column: str) -> str | None:
        return self._value(f"CAST(max({quote(column)}) AS VARCHAR)", query)

    def digest(self, query: Query) -> str | None:
        """Rows alike have equal hashes, whatever their columns are called."""
        return self._value("CAST(coalesce(sum(hash(q)), 0) AS VARCHAR)", query)

    def query(self, statement: Statement, values: Values) -> tuple[Table, Query]:
        keep_more(self.connection)
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
        number: int,  # noqa: ARG002 - DuckDB reads with all its threads by itself
    ) -> Sequence[Query]:
        return [self.select(table, columns, where, values)]

    def about(self, query: Query) -> int | None:  # noqa: ARG002 - counting a table takes no time
        return None

    def count(self, query: Query, seconds: float) -> int | None:
        """What an interrupted count leaves of its transaction is no use: the snapshot is anew."""
        limit = threading.Timer(seconds, self.connection.interrupt)
        limit.start()
        try:
            found = catalogue.first(self.connection, _over("count(*)", query), query.params)
        except duckdb.Error:
            self.end()
            self.begin()
            return None
        finally:
            limit.cancel()
            limit.join()
        return int(found[0]) if found else None

    def rows(
        self, query: Query, columns: Sequence[Column], *, verbatim: bool
    ) -> Generator[Rows, None, None]:
        items = ", ".join(_read(column, verbatim=verbatim) for column in columns)
        found = self.connection.execute(_over(items, query), query.params)
        try:
            while rows := found.fetchmany(_CHUNK_ROWS):
                yield rows
        finally:
            with suppress(duckdb.Error):  # after a failure: its connection is closed
                self.connection.abort()

    def arrow(self) -> ArrowSource:
        if find_spec("pyarrow") is None:
            raise Unsuited("pyarrow is not installed: pip install 'nomaflow[arrow]'")
        from nomaflow.connectors.dialects.duckdb.batches import DuckdbBatches  # only where it is

        return DuckdbBatches(self.connection)

    def csv(self) -> CsvSource:
        raise Unsuited("DuckDB is not read as CSV")

    def end(self) -> None:
        with suppress(duckdb.TransactionException):  # there may be none
            self.connection.rollback()

    def _value(self, expression: str, query: Query) -> str | None:
        found = catalogue.first(self.connection, _over(expression, query), query.params)
        return None if found is None else found[0]


def _over(items: str, query: Query) -> str:
    return f"SELECT {items} FROM (\n{query.sql}\n) AS q"  # noqa: S608 - quoted


def _bound(statement: Statement, values: Values) -> Query:
    names, text = statement.rendered(lambda place: f"${place}")
    return Query(text, [values[name] for name in names])


def _read(column: Column, *, verbatim: bool) -> str:
    """What Python has no exact type for, such as an infinite date, is read as DuckDB's text."""
    name, kind = quote(column.name), column.type.kind
    if kind in _AS_THEY_ARE or (kind is Kind.FLOAT and (verbatim or column.type.size != 32)):
        return name
    text = f"CAST({name} AS VARCHAR)"
    if kind is Kind.FLOAT:
        return f"CAST({text} AS DOUBLE)"
    if kind is Kind.NATIVE and verbatim:
        native = column.type.native
        refusal = f"column '{column.name}': a value of type {native} is another as text"
        return _PROVEN.format(c=name, text=text, type=native, refusal=text_literal(refusal))
    return text
