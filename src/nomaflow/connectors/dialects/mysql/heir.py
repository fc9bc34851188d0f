"""A MySQL stash that is declared as the table is, and takes its place by one RENAME TABLE."""

from contextlib import suppress
from typing import Final

import pymysql

from nomaflow.connectors.copies import TableLocked, WayClosed
from nomaflow.connectors.dialects.mysql import stash
from nomaflow.connectors.dialects.mysql.catalogue import Connection, fetch
from nomaflow.connectors.dialects.mysql.definition import counter_of, definition_of, plain_indexes
from nomaflow.connectors.dialects.mysql.source import reference
from nomaflow.connectors.dialects.mysql.waiting import briefly, lock_errors
from nomaflow.connectors.dialects.mysql.ways import obstacles
from nomaflow.connectors.tables import TableName

_OPEN_SNAPSHOTS: Final = """
SELECT TRX_MYSQL_THREAD_ID, CAST(TRX_STARTED AS CHAR) FROM information_schema.INNODB_TRX
WHERE TRX_MYSQL_THREAD_ID <> CONNECTION_ID()
  AND TRX_ISOLATION_LEVEL IN ('REPEATABLE READ', 'SERIALIZABLE')
"""
_NOT_ALLOWED: Final = 1227
_STILL_REFERENCED: Final = frozenset({1217, 1451, 3730})


class Heir:
    """One table, and the stash that will take its place."""

    def __init__(self, connection: Connection, table: TableName, name: TableName) -> None:
        self._connection = connection
        self._table = table
        self._stash = name
        self._definition = ""
        self._unbuilt: list[str] = []
        self._snapshots: set[tuple[object, ...]] = set()

    def create_stash(self) -> None:
        self._definition = definition_of(self._connection, self._table)
        self._run(f"CREATE TABLE {self._here} LIKE {reference(self._table)}")
        self._drop_indexes()

    def _drop_indexes(self) -> None:
        """Indexes are built faster after the load than with it."""
        indexes = plain_indexes(self._definition)
        dropped = ", ".join(f"DROP KEY {name}" for name, _ in indexes)
        with suppress(pymysql.OperationalError):  # a column that counts needs its index
            if dropped:
                self._run(f"ALTER TABLE {self._here} {dropped}")
                self._unbuilt = [f"ADD {index}" for _, index in indexes]

    def ripen(self) -> None:
        """Make indexes and statistics. Raises WayClosed when it is not what the table is."""
        if self._unbuilt:
            built = ", ".join(self._unbuilt)
            self._run(f"ALTER TABLE {self._here} {built}")
            self._unbuilt = []
        if definition_of(self._connection, self._stash) != self._definition:
            raise WayClosed("a table that is made like it is declared in another way")
        self._run(f"ANALYZE TABLE {self._here}")
        self._snapshots = self._open_snapshots()

    def ready(self) -> None:
        """Raises WayClosed when the table was changed, TableLocked while it cannot be replaced.

        To a transaction whose snapshot is older than the stash the new table would be an error.
        """
        if definition_of(self._connection, self._table) != self._definition:
            raise WayClosed("the table's definition was changed while rows were loaded")
        if found := obstacles(self._connection, self._table):
            raise WayClosed(", ".join(found))
        if self._snapshots & self._open_snapshots():
            raise TableLocked("a transaction is older than the new rows")
        self._carry_counter()

    def take_place(self, keep: TableName | None) -> None:
        """Rename both tables at once; `keep`: what the old one is called, if it stays."""
        old = keep or stash.outgoing(self._stash)
        with lock_errors():
            self._exchange(old, self._table, self._stash)
        if keep is None:
            self._drop(old)

    def _exchange(self, old: TableName, table: TableName, new: TableName) -> None:
        here = reference(table)
        renames = f"{here} TO {reference(old)}, {reference(new)} TO {here}"
        briefly(self._connection, f"RENAME TABLE {renames}")

    def _drop(self, old: TableName) -> None:
        """What cannot be dropped now is dropped by the next copy.

        If foreign keys that we were not let see refer to it, everything goes back.
        """
        try:
            stash.drop(self._connection, old)
        except pymysql.MySQLError as error:
            if error.args[0] not in _STILL_REFERENCED:
                return
            self._exchange(self._stash, self._table, old)
            raise WayClosed(str(error.args[1])) from error

    def _carry_counter(self) -> None:
        """Numbers that rows had once are not given again."""
        if number := counter_of(self._connection, self._table):
            self._run(f"ALTER TABLE {self._here} AUTO_INCREMENT = {number}")

    def _open_snapshots(self) -> set[tuple[object, ...]]:
        """Sessions that go on reading what they saw; unknown without the privilege PROCESS."""
        try:
            return set(fetch(self._connection, _OPEN_SNAPSHOTS))
        except pymysql.MySQLError as error:
            if error.args[0] != _NOT_ALLOWED:
                raise
            return set()

    @property
    def _here(self) -> str:
        return reference(self._stash)

    def _run(self, sql: str) -> None:
        fetch(self._connection, sql)
