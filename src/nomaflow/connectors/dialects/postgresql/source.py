"""Reads a PostgreSQL table in one REPEATABLE READ transaction."""

from collections.abc import Generator, Sequence
from contextlib import closing
from itertools import islice, pairwise
from typing import Any

import psycopg
from psycopg import RawCursor
from psycopg.adapt import Loader
from psycopg.types.bool import BoolLoader
from psycopg.types.numeric import FloatLoader, IntLoader
from psycopg.types.string import ByteaLoader, TextLoader

from nomaflow.connectors.copies import ArrowSource, CsvSource, Unsuited, Values
from nomaflow.connectors.dialects.postgresql import catalogue
from nomaflow.connectors.dialects.postgresql.csv_lines import PostgresqlCsv
from nomaflow.connectors.dialects.postgresql.expressions import quote
from nomaflow.connectors.dialects.postgresql.types import TYPES
from nomaflow.connectors.dialects.spelling import qualified, selected
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
_BLOCKS = """
SELECT max(pg_relation_size(c) / current_setting('block_size')::int)
FROM (SELECT %s::regclass AS c UNION ALL SELECT relid FROM pg_partition_tree(%s::regclass)) AS t
"""
_MANY_ROWS = 100_000
_WAS_COUNTED = "SELECT reltuples > 0 FROM pg_class WHERE oid = $1::text::regclass"
_LOADERS: dict[Kind | None, type[Loader]] = {
    Kind.INTEGER: IntLoader,
    Kind.FLOAT: FloatLoader,
    Kind.BOOLEAN: BoolLoader,
    Kind.BYTES: ByteaLoader,
}


class PostgresqlSource:
    """One connection with an open snapshot."""

    types = TYPES

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def begin(self) -> None:
        self.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self.connection, name)

    def select(
        self, table: Table, columns: Sequence[Column], where: Statement | None, values: Values
    ) -> Query:
        sql = f"SELECT {selected(columns, quote)} FROM {reference(table.name)}"  # noqa: S608 - quoted
        if where is None:
            return Query(sql)
        condition = _bound(where, values)
        return Query(f"{sql} WHERE (\n{condition.sql}\n)", condition.params)

    def parts(
        self,
        table: Table,
        columns: Sequence[Column],
        where: Statement | None,
        values: Values,
        number: int,
    ) -> Sequence[Query]:
        """Ranges of blocks; each part of a partitioned table is cut at the same ones."""
        query = self.select(table, columns, where, values)
        begin = "AND" if where else "WHERE"
        ranges = _ranges(self._blocks(table), number) if table.writable else []
        return [Query(f"{query.sql} {begin} {within}", query.params) for within in ranges] or [
            query
        ]

    def _blocks(self, table: Table) -> int:
        name = reference(table.name)
        found = self.connection.execute(_BLOCKS, [name, name]).fetchone()
        return int(found[0] or 0) if found else 0

    def project(
        self, query: Query, columns: Sequence[Column], condition: str | None = None
    ) -> Query:
        sql = f"SELECT {selected(columns, quote)} FROM (\n{query.sql}\n) AS q"  # noqa: S608 - quoted
        return Query(f"{sql} WHERE {condition}" if condition else sql, query.params)

    def newest(self, query: Query, column: str) -> str | None:
        return self._value(f"SELECT max({quote(column)})::text FROM (\n{query.sql}\n) AS q", query)  # noqa: S608

    def digest(self, query: Query) -> str | None:
        return self._value(
            "SELECT coalesce(sum(('x' || left(md5(q::text), 16))::bit(64)::bigint), 0)::text"  # noqa: S608
            f" FROM (\n{query.sql}\n) AS q",
            query,
        )

    def query(self, statement: Statement, values: Values) -> tuple[Table, Query]:
        query = _bound(statement, values)
        cursor = RawCursor(self.connection)
        cursor.execute(f"SELECT * FROM (\n{query.sql}\n) AS q LIMIT 0", query.params)  # noqa: S608
        result = cursor.pgresult
        found = [
            (column.name, result.ftype(place), result.fmod(place))
            for place, column in enumerate(cursor.description or ())
            if result is not None
        ]
        columns = [
            Column(name, catalogue.described_type(self.connection, oid, modifier))
            for name, oid, modifier in found
        ]
        return Table(TableName("query"), columns), query

    def observed(self, query: Query, columns: Sequence[str]) -> dict[str, ColumnType]:  # noqa: ARG002
        return {}

    def about(self, query: Query) -> int | None:
        cursor = RawCursor(self.connection)
        cursor.execute(f"EXPLAIN (FORMAT JSON, VERBOSE) {query.sql}", query.params)
        ((explained,),) = cursor.fetchall()
        plan = explained[0]["Plan"]
        if plan["Node Type"] != "Seq Scan" or "Filter" in plan or plan["Plan Rows"] < _MANY_ROWS:
            return None
        name = reference(TableName(plan["Relation Name"], plan["Schema"]))
        known = cursor.execute(_WAS_COUNTED, [name]).fetchone()
        return int(plan["Plan Rows"]) if known == (True,) else None

    def count(self, query: Query, seconds: float) -> int | None:
        cursor = RawCursor(self.connection)
        try:
            with self.connection.transaction(force_rollback=True):  # the time-out goes with it
                self.connection.execute(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")
                cursor.execute(f"SELECT count(*) FROM (\n{query.sql}\n) AS q", query.params)  # noqa: S608
                found = cursor.fetchone()
        except psycopg.OperationalError:
            return None
        return int(found[0]) if found else None

    def rows(
        self, query: Query, columns: Sequence[Column], *, verbatim: bool
    ) -> Generator[Rows, None, None]:
        cursor = RawCursor(self.connection)
        for column, oid in zip(columns, self._oids(query), strict=True):
            kind = None if verbatim else column.type.kind
            cursor.adapters.register_loader(oid, _LOADERS.get(kind, TextLoader))
        stream: Any = cursor.stream(query.sql, query.params, size=_CHUNK_ROWS)
        with closing(stream):  # an open one keeps the connection's lock, also from a rollback
            while rows := list(islice(stream, _CHUNK_ROWS)):
                yield rows

    def arrow(self) -> ArrowSource:
        raise Unsuited("PostgreSQL is not read in record batches")

    def csv(self) -> CsvSource:
        return PostgresqlCsv(self.connection)

    def end(self) -> None:
        self.connection.rollback()

    def _value(self, sql: str, query: Query) -> str | None:
        found = RawCursor(self.connection).execute(sql, query.params).fetchone()
        return None if found is None else found[0]

    def _oids(self, query: Query) -> list[int]:
        cursor = RawCursor(self.connection)
        cursor.execute(f"SELECT * FROM (\n{query.sql}\n) AS q LIMIT 0", query.params)  # noqa: S608
        return [column.type_code for column in cursor.description or ()]


def reference(name: TableName) -> str:
    """A table as SQL takes it."""
    return qualified(name, quote)


def _ranges(blocks: int, number: int) -> list[str]:
    """Conditions on where a row is stored: each row fulfils just one of them."""
    if blocks < number:
        return []
    edges = [f"'({blocks * part // number},0)'::tid" for part in range(1, number)]
    inner = [f"ctid >= {low} AND ctid < {high}" for low, high in pairwise(edges)]
    return [f"ctid < {edges[0]}", *inner, f"ctid >= {edges[-1]}"] if edges else []


def _bound(statement: Statement, values: Values) -> Query:
    names, text = statement.rendered(lambda place: f"${place}")
    return Query(text, [values[name] for name in names])
