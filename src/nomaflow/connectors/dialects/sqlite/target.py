"""Fills a SQLite table: a temporary stash first, then one short write transaction.

The stash is in SQLite's temporary database: loading it keeps nobody from reading or writing the
file, and it is gone with the connection, also when the process is killed.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

from nomaflow.connectors.copies import Choice, Shortcut, Source, TableLocked, Way
from nomaflow.connectors.dialects.on_conflict import inserting, updating
from nomaflow.connectors.dialects.spelling import limited
from nomaflow.connectors.dialects.sqlite import catalogue
from nomaflow.connectors.dialects.sqlite.attached import Attached
from nomaflow.connectors.dialects.sqlite.csv_lane import Csv
from nomaflow.connectors.dialects.sqlite.source import SqliteSource
from nomaflow.connectors.dialects.sqlite.types import TYPES, column_type
from nomaflow.connectors.tables import Column, ColumnType, Row, Rows, Table, TableName
from nomaflow.errors import StepFailed

_STASH = "temp.nomaflow_stash"
_PATIENCE_MS = 200
_PATIENCE_WITH_READERS_MS = 30_000
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class SqliteTarget:
    """One connection; what it does to the file is one transaction."""

    types = TYPES

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._insert = ""

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self._connection, name)

    def home(self, name: TableName) -> TableName:
        return catalogue.home(name)

    def known(self, column: ColumnType) -> bool:  # noqa: ARG002 - any word is a type
        return True

    def declared(self, words: str) -> ColumnType:
        return column_type(words)

    def add_columns(self, name: TableName, columns: Sequence[Column]) -> None:
        self._lock()
        for column in columns:
            self.execute(f"ALTER TABLE {self.reference(name)} ADD COLUMN {_definition(column)}")
        self.commit()

    def begin(self, name: TableName) -> None:  # noqa: ARG002 - a file has one journal
        """The file is locked by the swap alone; a new one lets readers read meanwhile."""
        if self.row("PRAGMA main.page_count") == (0,):
            self.execute("PRAGMA main.journal_mode = WAL")

    def ways(self, table: Table, key: Sequence[str]) -> Sequence[Choice]:  # noqa: ARG002
        """SQLite empties a table at once, and nothing depends on more than its name."""
        return [Choice(Way.REPLACE, "views, triggers and foreign keys refer to it by name")]

    def create_stash(self, columns: Sequence[Column], table: Table, way: Way) -> str:  # noqa: ARG002
        """Columns without a declared type keep each value as it was written."""
        names = ", ".join(catalogue.quote(column.name) for column in columns)
        places = ", ".join("?" for _ in columns)
        self._connection.execute(f"CREATE TABLE {_STASH} ({names})")
        self._connection.execute("BEGIN")
        self._insert = f"INSERT INTO {_STASH} VALUES ({places})"  # noqa: S608 - no input in it
        return _STASH

    def shortcuts(self, source: Source) -> Sequence[Shortcut]:
        if not isinstance(source, SqliteSource):
            return (Csv(source, self._connection, _STASH),)
        return (Attached(source.connection, self._connection, _STASH),)

    def write(self, rows: Rows) -> int:
        return self._connection.executemany(self._insert, rows).rowcount

    def ripen(self, table: Table, way: Way) -> None:  # noqa: ARG002 - it is read once
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def enter(self, table: Table, way: Way, keep: TableName | None) -> None:  # noqa: ARG002
        self._lock()
        if keep is not None:
            old, kept = self.reference(table.name), self.reference(keep)
            self.execute(f"CREATE TABLE {kept} AS SELECT * FROM {old}")  # noqa: S608 - quoted

    def _lock(self) -> None:
        self.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
        try:
            self.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in _BUSY:
                raise TableLocked(str(error)) from None
            raise
        self.execute(f"PRAGMA busy_timeout = {_PATIENCE_WITH_READERS_MS}")

    def take_place(self, table: Table) -> None:
        if self.table(table.name) is not None:
            raise StepFailed(f"Table '{table.name}' came into being meanwhile. Run the copy again.")
        parts = [_definition(column) for column in table.columns]
        if table.primary_key:
            parts.append(f"PRIMARY KEY ({self._names(table.primary_key)})")
        parts += [f"UNIQUE ({self._names(key)})" for key in table.unique_keys]
        self.execute(f"CREATE TABLE {self.reference(table.name)} ({', '.join(parts)})")
        names = [column.name for column in table.columns]
        self.execute(f"{self.insert_into(table, names)} SELECT * FROM {_STASH}")  # noqa: S608

    def leave(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    @contextmanager
    def replacing(self, table: Table) -> Iterator[None]:
        """Indexes are built after the load; triggers do not see a table being replaced."""
        made = self._connection.execute(
            "SELECT type, name, sql FROM main.sqlite_master"
            " WHERE lower(tbl_name) = lower(?) AND type IN ('index', 'trigger')"
            " AND sql IS NOT NULL ORDER BY type, rowid",
            [table.name.table],
        ).fetchall()
        for kind, name, _ in made:
            self.execute(f"DROP {kind} main.{catalogue.quote(name)}")
        yield
        for _, _, sql in made:
            self.execute(sql)

    def insert_into(self, table: Table, columns: Sequence[str]) -> str:
        return f"INSERT INTO {self.reference(table.name)} AS t ({self._names(columns)})"

    def delete_from(self, table: Table) -> str:
        return f"DELETE FROM {self.reference(table.name)} AS t"  # noqa: S608 - quoted

    def upsert(self, stash: str, table: Table, key: Sequence[str], columns: Sequence[str]) -> int:
        others = [name for name in columns if name not in key]
        insert = inserting(self, stash, table, key, columns)
        return self.execute(f"{insert} {updating(self, others, _differ(others))}")

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        return self._connection.execute(sql, params).rowcount

    def row(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        found: Row | None = self._connection.execute(sql, params).fetchone()
        return found

    def one_of(self, select: str, order: str = "", skip: int = 0) -> str:
        return limited(select, order, skip)

    def place(self, number: int) -> str:  # noqa: ARG002 - they count by themselves
        return "?"

    def reference(self, name: TableName) -> str:
        return f"main.{catalogue.quote(name.table)}"

    def quote(self, name: str) -> str:
        return catalogue.quote(name)

    def violation(self, error: Exception) -> str | None:
        return str(error) if isinstance(error, sqlite3.IntegrityError) else None

    def drop(self, name: TableName) -> bool:
        self.execute(f"DROP TABLE IF EXISTS {self.reference(name)}")
        return True

    def stamp(self, name: TableName) -> str:
        """The sum of all rows' digests, whatever their order."""
        rows = self._connection.execute(f"SELECT * FROM {self.reference(name)}")  # noqa: S608
        digests = (blake2b(repr(row).encode(), digest_size=8).digest() for row in rows)
        return f"{sum(int.from_bytes(digest) for digest in digests) % 2**64:016x}"

    def changed_since(self, name: TableName, stamp: str, rows: int) -> bool:
        count = self.row(f"SELECT count(*) FROM {self.reference(name)}")  # noqa: S608 - quoted
        return count != (rows,) or self.stamp(name) != stamp

    def make(self, name: TableName, definition: str) -> None:
        self.execute(f"CREATE TABLE IF NOT EXISTS {self.reference(name)} ({definition})")

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def discard(self) -> None:
        """The stash goes with the connection."""

    def _names(self, columns: Sequence[str]) -> str:
        return ", ".join(catalogue.quote(column) for column in columns)


def _differ(columns: Sequence[str]) -> str:
    """An SQL condition: the row of `t` is not the same as `excluded` in these columns."""
    ours = ", ".join(f"t.{catalogue.quote(column)}" for column in columns)
    theirs = ", ".join(f"excluded.{catalogue.quote(column)}" for column in columns)
    return f"({ours}) IS NOT ({theirs})"


def _definition(column: Column) -> str:
    null = "" if column.nullable else " NOT NULL"
    return f"{catalogue.quote(column.name)} {column.type.native}{null}"
