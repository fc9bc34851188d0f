"""Fills a MySQL table: a stash first, then one transaction, or one RENAME TABLE.

A change of a definition ends every transaction here. So a RENAME is the last that a copy does to
its target: what the copy notes about itself is there before, and counts only with the table.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

import pymysql

from nomaflow.connectors.copies import Choice, Shortcut, Source, Way
from nomaflow.connectors.dialects.mysql import catalogue, creating, stash, ways
from nomaflow.connectors.dialects.mysql.beside import beside
from nomaflow.connectors.dialects.mysql.catalogue import Connection, fetch
from nomaflow.connectors.dialects.mysql.comparing import VIOLATIONS, differing
from nomaflow.connectors.dialects.mysql.csv_lane import Csv
from nomaflow.connectors.dialects.mysql.expressions import quote
from nomaflow.connectors.dialects.mysql.heir import Heir
from nomaflow.connectors.dialects.mysql.loading import Loading
from nomaflow.connectors.dialects.mysql.session import begin_filling
from nomaflow.connectors.dialects.mysql.source import MysqlSource, reference
from nomaflow.connectors.dialects.mysql.types import TYPES
from nomaflow.connectors.dialects.mysql.waiting import briefly, lock_errors, lock_out_writers
from nomaflow.connectors.dialects.mysql.within import Within
from nomaflow.connectors.dialects.spelling import limited
from nomaflow.connectors.tables import Column, ColumnType, Row, Rows, Table, TableName
from nomaflow.errors import StepFailed

_EXISTS: Final = 1050


class MysqlTarget:
    """One connection; what it does to the table is one transaction or one statement."""

    types = TYPES

    def __init__(self, connection: Connection) -> None:
        begin_filling(connection)
        self._connection = connection
        self._stash: TableName | None = None
        self._heir: Heir | None = None
        self._loading: Loading | None = None
        self._key: Sequence[str] = ()
        self._has_index = False
        self._succeeds: TableName | None = None
        self._old_rows: TableName | None = None
        self._finish: Callable[[], None] | None = None

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self._connection, name)

    def home(self, name: TableName) -> TableName:
        return catalogue.home(self._connection, name)

    def known(self, column: ColumnType) -> bool:
        return creating.is_known(self._connection, column.native)

    def declared(self, words: str) -> ColumnType:
        return creating.declared_type(self._connection, words)

    def add_columns(self, name: TableName, columns: Sequence[Column]) -> None:
        added = ", ".join(f"ADD COLUMN {creating.definition(column)}" for column in columns)
        with lock_errors():
            briefly(self._connection, f"ALTER TABLE {reference(name)} {added}")

    def begin(self, name: TableName) -> None:
        """The lock ends with the session, also when we are killed."""
        stash.hold(self._connection, name)
        stash.remove_leftovers(self._connection, name.schema)

    def ways(self, table: Table, key: Sequence[str]) -> Sequence[Choice]:
        self._key = key
        return ways.ways(self._connection, table, key)

    def create_stash(self, columns: Sequence[Column], table: Table, way: Way) -> str:
        """An ordinary table for what will be renamed, a temporary one for rows that will move."""
        self._stash = stash.new_stash(table.name)
        if way is Way.RENAME:
            self._heir = Heir(self._connection, table.name, self._stash)
            self._heir.create_stash()
        elif way is Way.CREATE:
            creating.create(self._connection, self._stash, table)
        else:
            if way in {Way.INSERT, Way.UPSERT}:
                ways.refuse_engine(self._connection, table.name)
            creating.create_temporary(self._connection, self._stash, table.name, columns)
        self._loading = Loading(self._connection, self._here, columns)
        return self._here

    def shortcuts(self, source: Source) -> Sequence[Shortcut]:
        csv = Csv(source, self._loading or Loading(self._connection, self._here, ()))
        if not isinstance(source, MysqlSource):
            return (csv,)
        return (Within(source.connection, self._connection, self._here), csv)

    def write(self, rows: Rows) -> int:
        return self._loaded.write(rows)

    def ripen(self, table: Table, way: Way) -> None:  # noqa: ARG002 - the stash knows its table
        if way is Way.RENAME:
            self._heir_of_all.ripen()
        elif way is Way.MERGE and not self._has_index:
            self.execute(f"ALTER TABLE {self._here} ADD INDEX merging ({self._names(self._key)})")
            self._has_index = True

    def enter(self, table: Table, way: Way, keep: TableName | None) -> None:
        by_rows = way in {Way.MERGE, Way.REPLACE}
        if way is Way.RENAME:
            self._heir_of_all.ready()
        elif by_rows and keep is not None:
            self._old_rows = stash.new_stash(table.name)
            creating.create_like(self._connection, self._old_rows, table.name)
        self._finish = partial(self._finish_by, way, table.name, keep)
        self.execute("START TRANSACTION")
        try:
            if by_rows:
                lock_out_writers(self._connection, reference(table.name))
                self._copy_old_rows(table.name)
        except BaseException:
            self.leave()
            raise

    def _copy_old_rows(self, name: TableName) -> None:
        if self._old_rows is not None:
            into = reference(self._old_rows)
            self.execute(f"INSERT INTO {into} SELECT * FROM {reference(name)}")  # noqa: S608 - quoted

    def _finish_by(self, way: Way, name: TableName, keep: TableName | None) -> None:
        """What cannot be part of a transaction, and is done behind it."""
        if way is Way.RENAME:
            self._heir_of_all.take_place(keep)
            self._stash = None
        elif way is Way.CREATE:
            self._become(name)
            self._stash = None
        elif self._old_rows is not None and keep is not None:
            self.execute(f"RENAME TABLE {reference(self._old_rows)} TO {reference(keep)}")
            self._old_rows = None

    def _become(self, name: TableName) -> None:
        try:
            self.execute(f"RENAME TABLE {self._here} TO {reference(name)}")
        except pymysql.MySQLError as error:
            if error.args[0] != _EXISTS:
                raise
            raise StepFailed(
                f"Table '{name}' came into being meanwhile. Run the copy again."
            ) from None

    def take_place(self, table: Table) -> None:
        """It does so when the transaction has been committed."""
        self._succeeds = table.name

    def leave(self) -> None:
        self._finish = self._succeeds = None
        if self._connection.open:
            self.execute("ROLLBACK")
            if self._old_rows is not None:
                stash.drop(self._connection, self._old_rows)
        self._old_rows = None

    @contextmanager
    def replacing(self, table: Table) -> Iterator[None]:  # noqa: ARG002 - there is nothing to rest
        """Triggers see each row; nothing can keep them from that."""
        yield

    def insert_into(self, table: Table, columns: Sequence[str]) -> str:
        return f"INSERT INTO {reference(table.name)} ({self._names(columns)})"

    def delete_from(self, table: Table) -> str:
        return f"DELETE t FROM {reference(table.name)} AS t"

    def upsert(self, stash: str, table: Table, key: Sequence[str], columns: Sequence[str]) -> int:
        """Two statements: `ON DUPLICATE KEY UPDATE` would also take the row of another key."""
        here = reference(table.name)
        same = " AND ".join(f"t.{quote(name)} = s.{quote(name)}" for name in key)
        others = [name for name in columns if name not in key]
        updated = 0
        if others:
            new = ", ".join(f"t.{quote(name)} = s.{quote(name)}" for name in others)
            updated = self.execute(
                f"UPDATE {here} AS t JOIN {stash} AS s ON {same} SET {new}"  # noqa: S608 - quoted
                f" WHERE {differing(table, others, left='t', right='s')}"
            )
        values = ", ".join(f"s.{quote(name)}" for name in columns)
        return updated + self.execute(
            f"{self.insert_into(table, columns)} SELECT {values} FROM {stash} AS s"  # noqa: S608
            f" LEFT JOIN {here} AS t ON {same} WHERE t.{quote(key[0])} IS NULL"
        )

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        with lock_errors(), self._connection.cursor() as cursor:
            cursor.execute(sql, tuple(params) or None)
            return int(cursor.rowcount)

    def row(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, tuple(params) or None)
            found: Row | None = cursor.fetchone()
            return found

    def one_of(self, select: str, order: str = "", skip: int = 0) -> str:
        return limited(select, order, skip)

    def place(self, number: int) -> str:  # noqa: ARG002 - they count by themselves
        return "%s"

    def reference(self, name: TableName) -> str:
        return reference(name)

    def quote(self, name: str) -> str:
        return quote(name)

    def violation(self, error: Exception) -> str | None:
        if not isinstance(error, pymysql.MySQLError) or error.args[0] not in VIOLATIONS:
            return None
        return str(error.args[1])

    def drop(self, name: TableName) -> bool:
        return stash.drop(self._connection, name)

    def stamp(self, name: TableName) -> str:
        """The server's own checksum of all rows, whatever their order."""
        stored = self._stash if self._succeeds == name and self._stash else name
        found = self.row(f"CHECKSUM TABLE {reference(stored)} EXTENDED")
        return str(found[1]) if found else ""

    def changed_since(self, name: TableName, stamp: str, rows: int) -> bool:
        count = self.row(f"SELECT count(*) FROM {reference(name)}")  # noqa: S608 - quoted
        return count != (rows,) or self.stamp(name) != stamp

    def make(self, name: TableName, definition: str) -> None:
        """By another session, whose statement does not end our transaction.

        That may have to begin again, to see the table.
        """
        if self.table(name) is None:
            with beside(self._connection) as other:
                sql = f"CREATE TABLE IF NOT EXISTS {reference(name)} ({definition})"
                fetch(other, f"{sql} {creating.options(other)}")

    def commit(self) -> None:
        self.execute("COMMIT")
        finish, self._finish = self._finish, None
        if finish is not None:
            finish()

    def discard(self) -> None:
        """What cannot be removed now is removed by the next copy into the table's database."""
        with suppress(pymysql.MySQLError):
            self.leave()
            if self._stash is not None:
                stash.drop(self._connection, self._stash)

    @property
    def _heir_of_all(self) -> Heir:
        if self._heir is None:
            raise RuntimeError("a rename was not among the ways")
        return self._heir

    @property
    def _loaded(self) -> Loading:
        if self._loading is None:
            raise RuntimeError("there is no stash yet")
        return self._loading

    @property
    def _here(self) -> str:
        return reference(self._stash) if self._stash else ""

    def _names(self, columns: Sequence[str]) -> str:
        return ", ".join(quote(column) for column in columns)
