"""Fills a DuckDB table: a temporary stash first, then one transaction.

The stash is no part of the file and is gone with the connection, also when the process is killed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import duckdb

from nomaflow.connectors.copies import Choice, Shortcut, Source, TableLocked, Way
from nomaflow.connectors.dialects.duckdb import catalogue
from nomaflow.connectors.dialects.duckdb.arrow import Arrow, Between, Within
from nomaflow.connectors.dialects.duckdb.catalogue import reference
from nomaflow.connectors.dialects.duckdb.expressions import message, quote
from nomaflow.connectors.dialects.duckdb.memory import keep_more, stream
from nomaflow.connectors.dialects.duckdb.source import DuckdbSource
from nomaflow.connectors.dialects.duckdb.types import TYPES
from nomaflow.connectors.dialects.on_conflict import inserting, updating
from nomaflow.connectors.dialects.spelling import limited
from nomaflow.connectors.tables import Column, ColumnType, Row, Rows, Table, TableName
from nomaflow.connectors.values import BadValue
from nomaflow.errors import StepFailed, StepRefused

_STASH = "nomaflow_stash"
_HERE = f"temp.{_STASH}"


class DuckdbTarget:
    """One connection; what it does to the file is one transaction."""

    types = TYPES

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._columns: Sequence[Column] = ()
        self._appender: Any = None
        self._written = 0

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self._connection, name)

    def home(self, name: TableName) -> TableName:
        return catalogue.home(self._connection, name)

    def known(self, column: ColumnType) -> bool:
        return catalogue.declared(self._connection, column.native) is not None

    def declared(self, words: str) -> ColumnType:
        found = catalogue.declared(self._connection, words)
        if found is None:
            raise StepRefused(
                f"DuckDB knows no type '{words}'. Correct it in the step's `columns`."
            )
        return found

    def add_columns(self, name: TableName, columns: Sequence[Column]) -> None:
        self.execute("BEGIN")
        for column in columns:
            self.execute(f"ALTER TABLE {reference(name)} ADD COLUMN {_definition(column)}")
        self.commit()

    def begin(self, name: TableName) -> None:  # noqa: ARG002 - the file is ours
        """Other processes cannot open the file as long as the connection lives."""
        stream(self._connection)

    def ways(self, table: Table, key: Sequence[str]) -> Sequence[Choice]:
        """Rows that foreign keys refer to cannot go, not even for a moment."""
        if table.referenced and key:
            return [Choice(Way.MERGE, "foreign keys of other tables refer to its rows")]
        return [Choice(Way.REPLACE, "everything that hangs on the table stays as it is")]

    def create_stash(self, columns: Sequence[Column], table: Table, way: Way) -> str:  # noqa: ARG002
        definitions = ", ".join(f"{quote(c.name)} {c.type.native}" for c in columns)
        self.execute(f"CREATE TEMP TABLE {_STASH} ({definitions})")
        self._columns = columns
        self._appender = self._connection.appender(_STASH)
        return _HERE

    def shortcuts(self, source: Source) -> Sequence[Shortcut]:
        if isinstance(source, DuckdbSource):
            ends = (source.connection, self._connection, _HERE)
            return (Within(*ends), Between(*ends))
        return (Arrow(source, self._connection, _HERE),)

    def write(self, rows: Rows) -> int:
        try:
            self._appender.append_rows(rows)
            self._appender.flush()
        except duckdb.Error as error:
            raise self._bad_value(rows, error) from None
        self._written += len(rows)
        return len(rows)

    def _bad_value(self, rows: Rows, error: duckdb.Error) -> Exception:
        """The rows before the bad one have been kept, and so count up to it."""
        with suppress(duckdb.Error):
            self._appender.flush()
        found = self.row(f"SELECT count(*) FROM {_HERE}")  # noqa: S608 - ours
        place = (found[0] if found else 0) - self._written
        if not 0 <= place < len(rows):
            return error
        reason = f"does not fit: {message(error).splitlines()[0]}"
        return BadValue(place, reason, self._misfit(rows[place]))

    def _misfit(self, row: Row) -> str | None:
        """The column whose value its type does not take."""
        for column, value in zip(self._columns, row, strict=True):
            try:
                self.row(f"SELECT CAST({self.place(1)} AS {column.type.native})", [value])
            except duckdb.Error:
                return column.name
        return None

    def ripen(self, table: Table, way: Way) -> None:  # noqa: ARG002 - it is read once
        """Every key has an index."""
        if table.keys:
            keep_more(self._connection)

    def enter(self, table: Table, way: Way, keep: TableName | None) -> None:  # noqa: ARG002
        self.execute("BEGIN")
        if keep is not None:
            old, kept = reference(table.name), reference(keep)
            self.execute(f"CREATE TABLE {kept} AS SELECT * FROM {old}")  # noqa: S608 - quoted

    def take_place(self, table: Table) -> None:
        if self.table(table.name) is not None:
            raise StepFailed(f"Table '{table.name}' came into being meanwhile. Run the copy again.")
        parts = [_definition(column) for column in table.columns]
        if table.primary_key:
            parts.append(f"PRIMARY KEY ({_names(table.primary_key)})")
        parts += [f"UNIQUE ({_names(key)})" for key in table.unique_keys]
        self.execute(f"CREATE TABLE {reference(table.name)} ({', '.join(parts)})")
        names = [column.name for column in table.columns]
        self.execute(f"{self.insert_into(table, names)} SELECT * FROM {_HERE}")  # noqa: S608

    def leave(self) -> None:
        with suppress(duckdb.TransactionException):  # there may be none
            self._connection.rollback()

    @contextmanager
    def replacing(self, table: Table) -> Iterator[None]:  # noqa: ARG002 - there are no triggers
        yield

    def insert_into(self, table: Table, columns: Sequence[str]) -> str:
        return f"INSERT INTO {reference(table.name)} AS t ({_names(columns)})"

    def delete_from(self, table: Table) -> str:
        return f"DELETE FROM {reference(table.name)} AS t"  # noqa: S608 - quoted

    def upsert(self, stash: str, table: Table, key: Sequence[str], columns: Sequence[str]) -> int:
        others = [name for name in columns if name not in key]
        insert = inserting(self, stash, table, key, columns)
        return self.execute(f"{insert} {updating(self, others, _differ(others))}")

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        with _conflicts():
            done = self._connection.execute(sql, list(params))
            self._connection.complete()
        return max(done.rowcount, 0)

    def row(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        return catalogue.first(self._connection, sql, params)

    def one_of(self, select: str, order: str = "", skip: int = 0) -> str:
        return limited(select, order, skip)

    def place(self, number: int) -> str:
        return f"${number}"

    def reference(self, name: TableName) -> str:
        return reference(name)

    def quote(self, name: str) -> str:
        return quote(name)

    def violation(self, error: Exception) -> str | None:
        if not isinstance(error, duckdb.ConstraintException):
            return None
        return message(error).partition(". If this is an unexpected")[0]

    def drop(self, name: TableName) -> bool:
        self.execute(f"DROP TABLE IF EXISTS {reference(name)}")
        return True

    def stamp(self, name: TableName) -> str:
        """The sum of all rows' hashes, whatever their order."""
        row = self.row(
            "SELECT CAST(coalesce(sum(hash(t)), 0) AS VARCHAR)"  # noqa: S608 - quoted
            f" FROM {reference(name)} AS t"
        )
        return str(row[0]) if row else ""

    def changed_since(self, name: TableName, stamp: str, rows: int) -> bool:
        count = self.row(f"SELECT count(*) FROM {reference(name)}")  # noqa: S608 - quoted
        return count != (rows,) or self.stamp(name) != stamp

    def make(self, name: TableName, definition: str) -> None:
        self.execute(f"CREATE TABLE IF NOT EXISTS {reference(name)} ({definition})")

    def commit(self) -> None:
        with _conflicts():
            self._connection.commit()

    def discard(self) -> None:
        """The stash goes with the connection."""


@contextmanager
def _conflicts() -> Iterator[None]:
    """A second transaction of this process that changes the same: another try may succeed."""
    try:
        yield
    except duckdb.TransactionException as error:
        if "onflict" in str(error):
            raise TableLocked(message(error)) from None
        raise


def _differ(columns: Sequence[str]) -> str:
    """An SQL condition: the row of `t` is not the same as `excluded` in these columns."""
    pairs = (f"t.{quote(name)} IS DISTINCT FROM excluded.{quote(name)}" for name in columns)
    return " OR ".join(pairs)


def _names(columns: Sequence[str]) -> str:
    return ", ".join(map(quote, columns))


def _definition(column: Column) -> str:
    return f"{quote(column.name)} {column.type.native}{'' if column.nullable else ' NOT NULL'}"
