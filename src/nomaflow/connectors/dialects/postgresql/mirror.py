"""Brings PostgreSQL tables in line with a list, which COPY puts into a temporary table."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import RawCursor
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

from nomaflow.connectors.dialects.postgresql import catalogue
from nomaflow.connectors.dialects.postgresql.expressions import quote
from nomaflow.connectors.dialects.postgresql.source import reference
from nomaflow.connectors.dialects.postgresql.target import bad_value
from nomaflow.connectors.dialects.postgresql.types import TYPES
from nomaflow.connectors.dialects.postgresql.upserting import UNCOMPARABLE
from nomaflow.connectors.dialects.spelling import from_seen
from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import Column, ColumnType, Row, Rows, Table, TableName
from nomaflow.connectors.values import ColumnFunction

_SEEN = "pg_temp.nomaflow_seen"
_ROWS_AT_ONCE = 1000


class PostgresqlMirror:
    """One connection; outside of the transaction each statement commits by itself."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._connection.autocommit = True
        self._columns: Sequence[Column] = ()

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self._connection, name)

    def parameters(self, statement: Statement, table: Table | None) -> Mapping[str, ColumnType]:  # noqa: ARG002
        """The server says what it takes each of them for."""
        names, text = statement.rendered(lambda place: f"${place}")
        pgconn = self._connection.pgconn
        encoding = self._connection.info.encoding
        prepared = pgconn.prepare(b"", text.encode(encoding))
        if prepared.status != ExecStatus.COMMAND_OK:
            raise error_from_result(prepared, encoding)
        described = pgconn.describe_prepared(b"")
        oids = [described.param_type(place) for place in range(described.nparams)]
        return {
            name: catalogue.described_type(self._connection, oid, -1)
            for name, oid in zip(names, oids, strict=True)
        }

    def encode(self, declared: ColumnType) -> tuple[ColumnFunction, ...]:
        return TYPES.encode(declared)

    def create_seen(
        self,
        columns: Sequence[Column],
        table: Table | None,  # noqa: ARG002 - the types tell how values compare
        key: Sequence[str],  # noqa: ARG002 - large tables are joined by hash
    ) -> str:
        self._columns = columns
        definitions = ", ".join(f"{quote(column.name)} {column.type.native}" for column in columns)
        self.execute(f"DROP TABLE IF EXISTS {_SEEN}")
        self.execute(f"CREATE TEMP TABLE nomaflow_seen ({definitions})")
        return _SEEN

    def write(self, rows: Rows) -> None:
        try:
            with RawCursor(self._connection).copy(f"COPY {_SEEN} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        except psycopg.DataError as error:
            raise bad_value(error) from None

    def begin(self) -> None:
        """With facts about the temporary table, without which a large one is joined row by row."""
        self.execute(f"ANALYZE {_SEEN}")
        self.execute("BEGIN")

    def seen(self) -> Iterator[Rows]:
        """As text, which the server reads like any literal."""
        columns = ", ".join(f"{quote(column.name)}::text" for column in self._columns)
        with self._connection.cursor(name="nomaflow_seen") as cursor:
            cursor.execute(f"SELECT {columns} FROM {_SEEN}")  # noqa: S608 - quoted
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                yield rows

    def run(self, statement: Statement, names: Sequence[str], rows: Rows) -> int:
        used, text = statement.rendered(lambda place: f"${place}")
        places = [names.index(name.lower()) for name in used]
        cursor = RawCursor(self._connection)
        with _pipeline(self._connection):
            cursor.executemany(text, [[row[place] for place in places] for row in rows])
        return max(cursor.rowcount, 0)

    def execute(self, sql: str) -> int:
        return RawCursor(self._connection).execute(sql).rowcount

    def select(self, sql: str) -> Iterator[Row]:
        return RawCursor(self._connection).stream(sql, size=_ROWS_AT_ONCE)

    def update(self, table: Table, columns: Sequence[str], condition: str) -> str:
        where, new = reference(table.name), from_seen(columns, quote)
        return f"UPDATE {where} SET {new} FROM {_SEEN} AS s WHERE {condition}"  # noqa: S608

    def differs(self, table: Table, columns: Sequence[str], *, left: str, right: str) -> str:
        """Types without equality compare as text."""
        kinds = {column.name: column.type.kind for column in table.columns}
        casts = [(quote(c), "::text" if kinds[c] in UNCOMPARABLE else "") for c in columns]
        ours = ", ".join(f"{left}.{name}{cast}" for name, cast in casts)
        theirs = ", ".join(f"{right}.{name}{cast}" for name, cast in casts)
        return f"({ours}) IS DISTINCT FROM ({theirs})"

    def reference(self, name: TableName) -> str:
        return reference(name)

    def quote(self, name: str) -> str:
        return quote(name)

    def blame(self, error: Exception) -> str | None:
        if not isinstance(error, psycopg.IntegrityError | psycopg.DataError):
            return None
        parts = (error.diag.message_primary, error.diag.message_detail)
        return ". ".join(part.removesuffix(".") for part in parts if part)

    def commit(self) -> None:
        self.execute("COMMIT")


@contextmanager
def _pipeline(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """A pipeline that is empty when it ends, also by an error.

    Else psycopg logs a warning for each answer that it meets there.
    """
    with connection.pipeline() as pipeline:
        try:
            yield
            pipeline.sync()
        except psycopg.Error:
            _drain(pipeline)
            raise


def _drain(pipeline: psycopg.Pipeline) -> None:
    """The first sync meets what was given up; the second one's answer is the last."""
    for _ in range(2):
        with suppress(psycopg.Error):
            pipeline.sync()
