"""Fills an Oracle table: a stash first, then one transaction.

A change of a definition ends every transaction here. So tables of ours are made by a transaction
of their own, and a table gets its name when the transaction that fills it has ended.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

import oracledb

from nomaflow.connectors.copies import Choice, Shortcut, Source, Way
from nomaflow.connectors.dialects.oracle import catalogue, creating, failures, stash
from nomaflow.connectors.dialects.oracle.comparing import differ, stamp_of
from nomaflow.connectors.dialects.oracle.creating import listed
from nomaflow.connectors.dialects.oracle.direct import Direct
from nomaflow.connectors.dialects.oracle.failures import code, lock_errors
from nomaflow.connectors.dialects.oracle.loading import Loading
from nomaflow.connectors.dialects.oracle.stash import reference, said
from nomaflow.connectors.dialects.oracle.types import TYPES, quote, text_literal
from nomaflow.connectors.dialects.spelling import respelled
from nomaflow.connectors.tables import Column, ColumnType, Row, Rows, Table, TableName
from nomaflow.errors import StepFailed, StepRefused

_SESSION: Final = "ALTER SESSION SET NLS_COMP = BINARY NLS_SORT = BINARY"
_WORDS: Final = {"VARCHAR(255)": "VARCHAR2(255 CHAR)", "TEXT": "CLOB", "BIGINT": "NUMBER(19)"}
_APART: Final = "DECLARE PRAGMA AUTONOMOUS_TRANSACTION; BEGIN EXECUTE IMMEDIATE {sql}; END;"
_EXISTS: Final = "ORA-00955"
_STAYS: Final = "everything that hangs on the table stays as it is"


class OracleTarget:
    """One connection; what it does to the table is one transaction."""

    types = TYPES

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._stash: TableName | None = None
        self._old: TableName | None = None
        self._loading: Loading | None = None
        self._finish: Callable[[], None] | None = None
        said(connection, _SESSION)

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self._connection, name)

    def home(self, name: TableName) -> TableName:
        return catalogue.home(self._connection, name)

    def known(self, column: ColumnType) -> bool:
        return creating.is_known(self._connection, column)

    def declared(self, words: str) -> ColumnType:
        return creating.declared_type(self._connection, words)

    def add_columns(self, name: TableName, columns: Sequence[Column]) -> None:
        added = ", ".join(map(creating.definition, columns))
        self.execute(f"ALTER TABLE {reference(name)} ADD ({added})")

    def begin(self, name: TableName) -> None:
        """The lock ends with the session, also when we are killed."""
        stash.hold(self._connection, name)
        stash.drop(self._connection, stash.stash_of(name))
        stash.drop(self._connection, stash.old_of(name))

    def ways(self, table: Table, key: Sequence[str]) -> Sequence[Choice]:
        """Readers see the old rows until the commit. Referenced rows may change, but not go."""
        merge = [Choice(Way.MERGE, f"{_STAYS}, and only what changed is written")] if key else []
        if not table.referenced:
            return [*merge, Choice(Way.REPLACE, _STAYS)]
        if not merge:
            raise StepRefused(
                f"Foreign keys of other tables refer to rows of '{table.name}', so that they can "
                "only be merged, and there is no key that the source has, too. Give it one."
            )
        return merge

    def create_stash(self, columns: Sequence[Column], table: Table, way: Way) -> str:
        """An ordinary table, which other sessions see."""
        creating.refuse_columns(self._connection, table, columns)
        self._stash = stash.stash_of(table.name)
        if way is Way.CREATE:
            creating.create(self._connection, self._stash, table)
        else:
            creating.create_stash(self._connection, self._stash, columns)
        self._loading = Loading(self._connection, self._here, columns)
        return self._here

    def shortcuts(self, source: Source) -> Sequence[Shortcut]:
        return (Direct(source, self._connection, self._stash),) if self._stash else ()

    def write(self, rows: Rows) -> int:
        if self._loading is None:
            raise RuntimeError("there is no stash yet")
        return self._loading.write(rows)

    def ripen(self, table: Table, way: Way) -> None:
        if way is Way.CREATE and self._stash is not None:
            with lock_errors():
                creating.add_keys(self._connection, self._stash, table)

    def enter(self, table: Table, way: Way, keep: TableName | None) -> None:
        """Readers go on; who writes waits until the transaction has ended."""
        if keep is not None and way in {Way.MERGE, Way.REPLACE}:
            self._old = stash.old_of(table.name)
            here = reference(table.name)
            self.execute(
                f"CREATE TABLE {reference(self._old)} AS SELECT * FROM {here} WHERE 1 = 0"  # noqa: S608
            )
        self._finish = partial(self._finish_by, way, table.name, keep)
        try:
            self._lock(table.name, way)
        except BaseException:
            self.leave()
            raise

    def _lock(self, name: TableName, way: Way) -> None:
        here = reference(name)
        if way not in {Way.CREATE, Way.INSERT}:
            self.execute(f"LOCK TABLE {here} IN SHARE ROW EXCLUSIVE MODE NOWAIT")
        if self._old is not None:
            self.execute(f"INSERT INTO {reference(self._old)} SELECT * FROM {here}")  # noqa: S608

    def _finish_by(self, way: Way, name: TableName, keep: TableName | None) -> None:
        """What cannot be part of a transaction, and is done behind it."""
        if way is Way.CREATE and self._stash is not None:
            self._rename(self._stash, name)
            self._stash = None
        elif self._old is not None and keep is not None:
            self._rename(self._old, keep)
            self._old = None

    def _rename(self, old: TableName, new: TableName) -> None:
        try:
            self.execute(f"ALTER TABLE {reference(old)} RENAME TO {quote(new.table)}")
        except oracledb.DatabaseError as error:
            if code(error) != _EXISTS:
                raise
            raise StepFailed(
                f"Table '{new}' came into being meanwhile. Run the copy again."
            ) from None

    def take_place(self, table: Table) -> None:
        """It does so when the transaction has been committed."""

    def leave(self) -> None:
        self._finish = None
        self._connection.rollback()
        if self._old is not None:
            stash.drop(self._connection, self._old)
        self._old = None

    @contextmanager
    def replacing(self, table: Table) -> Iterator[None]:  # noqa: ARG002 - it would end everything
        """Triggers see each row: to switch them off ends the transaction."""
        yield

    def insert_into(self, table: Table, columns: Sequence[str]) -> str:
        return f"INSERT INTO {reference(table.name)} ({listed(columns)})"

    def delete_from(self, table: Table) -> str:
        return f"DELETE FROM {reference(table.name)} t"  # noqa: S608 - quoted

    def upsert(self, stash: str, table: Table, key: Sequence[str], columns: Sequence[str]) -> int:
        same = " AND ".join(f"t.{quote(name)} = s.{quote(name)}" for name in key)
        others = [name for name in columns if name not in key]
        values = ", ".join(f"s.{quote(name)}" for name in columns)
        new = ", ".join(f"t.{quote(name)} = s.{quote(name)}" for name in others)
        update = f" WHEN MATCHED THEN UPDATE SET {new} WHERE {differ(table, others)}"
        return self.execute(
            f"MERGE INTO {reference(table.name)} t USING {stash} s ON ({same})"  # noqa: S608
            f"{update if others else ''}"
            f" WHEN NOT MATCHED THEN INSERT ({listed(columns)}) VALUES ({values})"
        )

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        with lock_errors(), self._connection.cursor() as cursor:
            cursor.execute(sql, list(params))
            return max(int(cursor.rowcount), 0)

    def row(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, list(params), fetch_lobs=False)
            found: Row | None = cursor.fetchone()
            return found

    def one_of(self, select: str, order: str = "", skip: int = 0) -> str:
        ordered = f"{select} ORDER BY {order}" if order else select
        return f"{ordered} OFFSET {skip} ROWS FETCH NEXT 1 ROWS ONLY"

    def place(self, number: int) -> str:
        return f":{number}"

    def reference(self, name: TableName) -> str:
        return reference(name)

    def quote(self, name: str) -> str:
        return quote(name)

    def violation(self, error: Exception) -> str | None:
        return failures.violation(error)

    def drop(self, name: TableName) -> bool:
        return stash.drop(self._connection, name)

    def stamp(self, name: TableName) -> str:
        """The sum of all rows' hashes, whatever their order; empty where long values have none."""
        known = self.table(name)
        query = stamp_of(known, reference(name)) if known else None
        found = self.row(query) if query else None
        return str(found[0]) if found else ""

    def changed_since(self, name: TableName, stamp: str, rows: int) -> bool:
        count = self.row(f"SELECT COUNT(*) FROM {reference(name)}")  # noqa: S608 - quoted
        return not stamp or count != (rows,) or self.stamp(name) != stamp

    def make(self, name: TableName, definition: str) -> None:
        """By a transaction apart: this statement would end ours."""
        if self.table(name) is None:
            sql = f"CREATE TABLE {reference(name)} ({respelled(definition, _WORDS)})"
            self.execute(_APART.format(sql=text_literal(sql)))

    def commit(self) -> None:
        self._connection.commit()
        finish, self._finish = self._finish, None
        if finish is not None:
            finish()

    def discard(self) -> None:
        """What cannot be removed now is removed by the next copy into the table."""
        with suppress(oracledb.Error):
            self.leave()
            if self._stash is not None:
                stash.drop(self._connection, self._stash)

    @property
    def _here(self) -> str:
        return reference(self._stash) if self._stash else ""
