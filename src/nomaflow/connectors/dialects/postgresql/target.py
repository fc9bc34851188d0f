"""Fills a PostgreSQL table: a stash beside it, loaded by COPY, then one transaction.

Nothing is seen before its commit. A stash that a dead process left is removed by the next copy.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import RawCursor

from nomaflow.connectors.copies import Choice, Shortcut, Source, Way
from nomaflow.connectors.dialects.postgresql import catalogue, stash, upserting
from nomaflow.connectors.dialects.postgresql.arrow import Arrow
from nomaflow.connectors.dialects.postgresql.csv_lane import Csv
from nomaflow.connectors.dialects.postgresql.exact import Ends
from nomaflow.connectors.dialects.postgresql.expressions import quote
from nomaflow.connectors.dialects.postgresql.locking import lock_errors, send_maintenance_away
from nomaflow.connectors.dialects.postgresql.raw import Raw
from nomaflow.connectors.dialects.postgresql.source import PostgresqlSource, reference
from nomaflow.connectors.dialects.postgresql.statistics import analyze
from nomaflow.connectors.dialects.postgresql.succession import Succession, advance
from nomaflow.connectors.dialects.postgresql.types import TYPES
from nomaflow.connectors.dialects.postgresql.within import Within
from nomaflow.connectors.dialects.spelling import limited
from nomaflow.connectors.tables import Column, ColumnType, Row, Rows, Table, TableName
from nomaflow.connectors.values import BadValue
from nomaflow.errors import StepFailed

_MOST_REASONS = 3
_COPY_PLACE = re.compile(r"^COPY .*?, line (\d+)(?:, column (.*?)(?:: |$))?", re.MULTILINE)
_TRIGGERS = """
SELECT tgname, tgenabled FROM pg_trigger
WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled <> 'D'
"""
_ENABLE = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}
_MAY_CREATE = """
SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1
"""
_SEQUENCES = """
SELECT attname, sequence
FROM (SELECT a.attname, pg_get_serial_sequence(%s, a.attname) AS sequence FROM pg_attribute a
      WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped) AS own
WHERE has_sequence_privilege(sequence, 'SELECT') AND has_sequence_privilege(sequence, 'UPDATE')
"""


class PostgresqlTarget:
    """One connection; what it does to the table is one transaction."""

    types = TYPES

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        connection.rollback()
        connection.autocommit = True
        self._connection = connection
        self._succession: Succession | None = None
        self._stash: TableName | None = None
        self._names_to_be: list[tuple[str, str]] = []
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

    def add_columns(self, name: TableName, columns: Sequence[Column]) -> None:
        added = ", ".join(
            f"ADD COLUMN {quote(column.name)} {column.type.native}" for column in columns
        )
        with self._connection.transaction(), lock_errors():
            self.execute(f"SET LOCAL lock_timeout = {stash.LOCK_TIMEOUT_MS}")
            self.execute(f"ALTER TABLE {reference(name)} {added}")

    def begin(self, name: TableName) -> None:
        """The lock ends with the session, also when we are killed."""
        stash.hold(self._connection, name)
        stash.remove_leftovers(self._connection, name.schema)

    def ways(self, table: Table, key: Sequence[str]) -> Sequence[Choice]:
        self._stash = stash.new_stash(table.name)
        oid = self._oid(table)
        self._succession = Succession(self._connection, table.name, oid, self._stash)
        obstacles = self._succession.obstacles
        if not obstacles:
            reason = "everything that hangs on the table can be made again"
            rename = [Choice(Way.RENAME, reason)]
        else:
            more = len(obstacles) - _MOST_REASONS
            listed = ", ".join(obstacles[:_MOST_REASONS]) + (
                f" and {more} more" if more > 0 else ""
            )
            reason = f"the table itself must stay: {listed}"
            rename = []
        merge = [Choice(Way.MERGE, reason)] if key else []
        without = reason if key else f"{reason}; it has no key to merge by"
        return [*rename, *merge, Choice(Way.REPLACE, without)]

    def create_stash(self, columns: Sequence[Column], table: Table, way: Way) -> str:
        """An ordinary table for what will be renamed, an unlogged one for rows that will move."""
        self._stash = self._stash or stash.new_stash(table.name)
        self._names_to_be = [(self._stash.table, table.name.table)]
        if way is Way.RENAME:
            self._heir.create_stash()
            self._names_to_be += self._heir.names_to_be
        elif way is Way.CREATE or self.row(_MAY_CREATE, [table.name.schema]) == (True,):
            kind = "TABLE" if way is Way.CREATE else "UNLOGGED TABLE"
            with self._connection.transaction():
                self.execute(f"CREATE {kind} {self._here} ({_definitions(columns)})")
                stash.mark(self._connection, self._stash, table.name)
        else:
            self._stash = TableName(self._stash.table, "pg_temp")
            self.execute(f"CREATE TEMP TABLE {self._stash.table} ({_definitions(columns)})")
        names = self._names([column.name for column in columns])
        self._copy = f"COPY {self._here} ({names}) FROM STDIN"
        return self._here

    def shortcuts(self, source: Source) -> Sequence[Shortcut]:
        if not isinstance(source, PostgresqlSource):
            here = (source, self._connection, self._here)
            return (Arrow(*here), Csv(*here))
        is_there = bool(self._copy)
        ends = Ends(source.connection, self._connection, self._here if is_there else "")
        return (Within(ends), Raw(ends))

    def write(self, rows: Rows) -> int:
        cursor = RawCursor(self._connection)
        try:
            with cursor.copy(self._copy) as copy:
                for row in rows:
                    copy.write_row(row)
        except psycopg.DataError as error:
            raise bad_value(error) from None
        return cursor.rowcount

    def ripen(self, table: Table, way: Way) -> None:
        if way is Way.RENAME:
            self._heir.ripen()
            return
        required = [column.name for column in table.columns if not column.nullable]
        if way is Way.CREATE and required:
            constraints = (f"ALTER COLUMN {quote(name)} SET NOT NULL" for name in required)
            self.execute(f"ALTER TABLE {self._here} {', '.join(constraints)}")
        analyze(self._connection, self._here)

    def enter(self, table: Table, way: Way, keep: TableName | None) -> None:
        self.execute("BEGIN")
        try:
            if way is Way.RENAME:
                self._heir.lock(keep)
            elif way in {Way.MERGE, Way.REPLACE}:
                self._lock_out_writers(table.name)
                self._copy_rows(table.name, keep)
        except BaseException:
            self.leave()
            raise

    def _lock_out_writers(self, name: TableName) -> None:
        send_maintenance_away(self._connection, reference(name))
        with lock_errors():
            self.execute(f"SET LOCAL lock_timeout = {stash.LOCK_TIMEOUT_MS}")
            self.execute(f"LOCK TABLE {reference(name)} IN SHARE ROW EXCLUSIVE MODE")
            self.execute("SET LOCAL lock_timeout TO DEFAULT")

    def _copy_rows(self, name: TableName, keep: TableName | None) -> None:
        if keep is not None:
            self.execute(f"CREATE TABLE {reference(keep)} AS TABLE {reference(name)}")

    def take_place(self, table: Table) -> None:
        if self._succession is not None:
            self._succession.take_place()
        else:
            self._become(table)
        self._stash = None

    def _become(self, table: Table) -> None:
        """The keys come last, so that they are named after the table."""
        if self.table(table.name) is not None:
            raise StepFailed(f"Table '{table.name}' came into being meanwhile. Run the copy again.")
        self.execute(f"ALTER TABLE {self._here} RENAME TO {quote(table.name.table)}")
        keys = [f"ADD PRIMARY KEY ({self._names(table.primary_key)})"] if table.primary_key else []
        keys += [f"ADD UNIQUE ({self._names(key)})" for key in table.unique_keys]
        target = reference(table.name)
        if keys:
            self.execute(f"ALTER TABLE {target} {', '.join(keys)}")
        self.execute(f"COMMENT ON TABLE {target} IS NULL")

    def leave(self) -> None:
        if not self._connection.closed:
            self.execute("ROLLBACK")

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
            self.execute(advance(sequence, column, target))

    def insert_into(self, table: Table, columns: Sequence[str]) -> str:
        names = self._names(columns)
        return f"INSERT INTO {reference(table.name)} AS t ({names}) OVERRIDING SYSTEM VALUE"

    def delete_from(self, table: Table) -> str:
        return f"DELETE FROM {reference(table.name)} AS t"  # noqa: S608 - quoted

    def upsert(self, stash: str, table: Table, key: Sequence[str], columns: Sequence[str]) -> int:
        return upserting.upsert(self, self._connection, stash, table, key, columns)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        return RawCursor(self._connection).execute(sql, params).rowcount

    def row(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        found: Row | None = RawCursor(self._connection).execute(sql, params).fetchone()
        return found

    def one_of(self, select: str, order: str = "", skip: int = 0) -> str:
        return limited(select, order, skip)

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
        reason = ". ".join(part.removesuffix(".") for part in parts if part)
        for temporary, name in self._names_to_be:
            reason = reason.replace(f'"{temporary}"', f'"{name}"')
        return reason

    def drop(self, name: TableName) -> bool:
        return stash.drop(self._connection, name)

    def stamp(self, name: TableName) -> str:  # noqa: ARG002 - each row knows who wrote it
        """This transaction: rows that are younger were written after it."""
        found = self.row("SELECT pg_current_xact_id()::xid::text")
        return str(found[0]) if found else ""

    def changed_since(self, name: TableName, stamp: str, rows: int) -> bool:
        young = "coalesce(bool_or(age(xmin) < age($2::text::xid)), false)"
        query = f"SELECT count(*) <> $1 OR {young} FROM {reference(name)}"  # noqa: S608 - quoted
        return self.row(query, [rows, stamp]) != (False,)

    def make(self, name: TableName, definition: str) -> None:
        """One session at a time: `IF NOT EXISTS` fails where two run at once."""
        if self.table(name) is None:
            key = f"nomaflow alone at {name}"
            self.row("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [key])
            self.execute(f"CREATE TABLE IF NOT EXISTS {reference(name)} ({definition})")

    def commit(self) -> None:
        self.execute("COMMIT")

    def discard(self) -> None:
        """What cannot be removed now is removed by the next copy into the table's schema."""
        with suppress(psycopg.Error):
            self.leave()
            if self._stash is not None:
                stash.drop_or_empty(self._connection, self._stash)

    @property
    def _heir(self) -> Succession:
        if self._succession is None:
            raise RuntimeError("a rename was not among the ways")
        return self._succession

    @property
    def _here(self) -> str:
        return reference(self._stash) if self._stash else ""

    def _oid(self, table: Table) -> int:
        found = self.row("SELECT $1::text::regclass::oid", [reference(table.name)])
        return int(found[0]) if found else 0

    def _names(self, columns: Sequence[str]) -> str:
        return ", ".join(quote(column) for column in columns)


def _definitions(columns: Sequence[Column]) -> str:
    return ", ".join(f"{quote(column.name)} {column.type.native}" for column in columns)


def bad_value(error: psycopg.DataError) -> BadValue | psycopg.DataError:
    """The server says in which line of the batch, and in which column, a value does not fit."""
    place = _COPY_PLACE.search(error.diag.context or "")
    if place is None:
        return error
    reason = error.diag.message_primary or "does not fit"
    return BadValue(int(place[1]) - 1, f"does not fit: {reason}", place[2])
