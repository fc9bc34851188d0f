"""Fills a PostgreSQL table: a stash, loaded by COPY, and what becomes of it, in one transaction.

Nothing is seen before the commit, and nothing is left behind by a process that dies.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import RawCursor, errors

from nomaflow.connectors.copies import TableLocked
from nomaflow.connectors.dialects.postgresql import catalogue
from nomaflow.connectors.dialects.postgresql.expressions import quote
from nomaflow.connectors.dialects.postgresql.source import reference
from nomaflow.connectors.dialects.postgresql.types import TYPES
from nomaflow.connectors.tables import Column, ColumnType, Kind, Row, Rows, Table, TableName
from nomaflow.connectors.values import BadValue

_STASH = "nomaflow_stash"
_LOCK_TIMEOUT_MS = 100
_COPY_PLACE = re.compile(r"^COPY .*?, line (\d+)(?:, column (.*?)(?:: |$))?", re.MULTILINE)
_UNCOMPARABLE = frozenset({Kind.JSON, Kind.NATIVE})
_TRIGGERS = """
SELECT tgname, tgenabled FROM pg_trigger
WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled <> 'D'
"""
_ENABLE = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}
_SEQUENCES = """
SELECT attname, sequence
FROM (SELECT a.attname, pg_get_serial_sequence(%s, a.attname) AS sequence FROM pg_attribute a
      WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped) AS own
WHERE has_sequence_privilege(sequence, 'SELECT') AND has_sequence_privilege(sequence, 'UPDATE')
"""


class PostgresqlTarget:
    """One connection, one transaction."""

    types = TYPES

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._stash = ""
        self._copy = ""

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self._connection, name)

    def home(self, name: TableName) -> TableName:
        return catalogue.home(self._connection, name)

    def known(self, column: ColumnType) -> bool:
        found = self.row("SELECT to_regtype($1)", [column.native])
        return found is not None and found[0] is not None

    def declared(self, words: str) -> ColumnType:
        return catalogue.declared_type(self._connection, words)

    def begin(self, name: TableName) -> None:
        """The lock ends with the transaction, also when we are killed."""
        self.row(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [f"nomaflow copy into {name}"]
        )

    def create_stash(self, columns: Sequence[Column], successor: TableName | None) -> str:
        """A table of the target's schema that will be renamed, else a temporary one."""
        definitions = ", ".join(f"{quote(column.name)} {column.type.native}" for column in columns)
        if successor is None:
            self._stash = f"pg_temp.{_STASH}"
            self.execute(f"CREATE TEMP TABLE {_STASH} ({definitions}) ON COMMIT DROP")
        else:
            own = f"{_STASH}_{self._connection.info.backend_pid}"
            self._stash = reference(TableName(own, successor.schema))
            self.execute(f"CREATE TABLE {self._stash} ({definitions})")
        self._copy = f"COPY {self._stash} FROM STDIN"
        return self._stash

    def write(self, rows: Rows) -> int:
        cursor = RawCursor(self._connection)
        try:
            with cursor.copy(self._copy) as copy:
                for row in rows:
                    copy.write_row(row)
        except psycopg.DataError as error:
            raise _bad_value(error) from None
        return cursor.rowcount

    def become(self, table: Table) -> None:
        constraints = [
            f"ALTER COLUMN {quote(column.name)} SET NOT NULL"
            for column in table.columns
            if not column.nullable
        ]
        self.execute(f"ALTER TABLE {self._stash} RENAME TO {quote(table.name.table)}")
        if table.primary_key:
            constraints.append(f"ADD PRIMARY KEY ({self._names(table.primary_key)})")
        constraints += [f"ADD UNIQUE ({self._names(key)})" for key in table.unique_keys]
        target = reference(table.name)
        if constraints:
            self.execute(f"ALTER TABLE {target} {', '.join(constraints)}")
        self.execute(f"ANALYZE {target}")

    def enter(self, name: TableName, *, alone: bool) -> None:
        if not alone:
            return
        try:
            with self._connection.transaction():
                self.execute(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}")
                self.execute(f"LOCK TABLE {reference(name)} IN SHARE ROW EXCLUSIVE MODE")
                self.execute("SET LOCAL lock_timeout TO DEFAULT")
        except errors.LockNotAvailable as error:
            raise TableLocked(str(error)) from None

    @contextmanager
    def replacing(self, table: Table) -> Iterator[None]:
        """Triggers do not see a table being replaced; sequences end behind the last value."""
        target = reference(table.name)
        triggers = self._connection.execute(_TRIGGERS, [target]).fetchall()
        for name, _ in triggers:
            self.execute(f"ALTER TABLE {target} DISABLE TRIGGER {quote(name)}")
        yield
        self.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for name, enabled in triggers:
            self.execute(f"ALTER TABLE {target} {_ENABLE[enabled]} TRIGGER {quote(name)}")
        self._advance_sequences(target)

    def _advance_sequences(self, target: str) -> None:
        for column, sequence in self._connection.execute(_SEQUENCES, [target] * 2).fetchall():
            self.execute(
                f"SELECT setval($1, max({quote(column)})) FROM {target}"  # noqa: S608 - quoted
                f" HAVING max({quote(column)}) > (SELECT last_value FROM {sequence})",
                [sequence],
            )

    def insert_into(self, table: Table, columns: Sequence[str]) -> str:
        names = self._names(columns)
        return f"INSERT INTO {reference(table.name)} AS t ({names}) OVERRIDING SYSTEM VALUE"

    def differs(self, table: Table, columns: Sequence[str]) -> str:
        kinds = {column.name: column.type.kind for column in table.columns}
        casts = {name: "::text" if kinds[name] in _UNCOMPARABLE else "" for name in columns}
        ours = ", ".join(f"t.{quote(name)}{cast}" for name, cast in casts.items())
        theirs = ", ".join(f"excluded.{quote(name)}{cast}" for name, cast in casts.items())
        return f"({ours}) IS DISTINCT FROM ({theirs})"

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        return RawCursor(self._connection).execute(sql, params).rowcount

    def row(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        found: Row | None = RawCursor(self._connection).execute(sql, params).fetchone()
        return found

    def place(self, number: int) -> str:
        return f"${number}"

    def reference(self, name: TableName) -> str:
        return reference(name)

    def quote(self, name: str) -> str:
        return quote(name)

    def violation(self, error: Exception) -> str | None:
        if not isinstance(error, psycopg.IntegrityError):
            return None
        parts = (error.diag.message_primary, error.diag.message_detail)
        return ". ".join(part.removesuffix(".") for part in parts if part)

    def commit(self) -> None:
        self._connection.commit()

    def _names(self, columns: Sequence[str]) -> str:
        return ", ".join(quote(column) for column in columns)


def _bad_value(error: psycopg.DataError) -> BadValue | psycopg.DataError:
    """The server says in which line of the batch, and in which column, a value does not fit."""
    place = _COPY_PLACE.search(error.diag.context or "")
    if place is None:
        return error
    reason = error.diag.message_primary or "does not fit"
    return BadValue(int(place[1]) - 1, f"does not fit: {reason}", place[2])
