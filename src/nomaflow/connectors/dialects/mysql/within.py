"""The lane within one server: `INSERT … SELECT`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pymysql

from nomaflow.connectors.copies import Load, Moved, Transfer, Unsuited
from nomaflow.connectors.dialects.mysql.catalogue import Connection, fetch
from nomaflow.connectors.dialects.mysql.expressions import quote
from nomaflow.connectors.tables import Query

_SESSION = "SELECT @@hostname, @@port, @@datadir, CURRENT_USER()"
# Values that do not fit or cannot be coerced, keys that are there twice, a binary log without rows.
_REFUSED = frozenset({1048, 1062, 1264, 1265, 1292, 1366, 1406, 1665, 1690, 4025})
_SIZE = """
SELECT DATA_LENGTH + INDEX_LENGTH FROM information_schema.TABLES
WHERE CONCAT('`', TABLE_SCHEMA, '`.`', TABLE_NAME, '`') = %s
"""


@dataclass(frozen=True)
class Within:
    """For two sessions of one user on one server, and columns that are declared alike."""

    source: Connection
    target: Connection
    stash: str
    lane: ClassVar[str] = "within"
    coerces: ClassVar[bool] = False

    def fit(self, transfer: Transfer) -> Load:
        transfer.refuse_later()
        if not transfer.verbatim:
            raise Unsuited("the columns are not declared alike")
        if fetch(self.source, _SESSION) != fetch(self.target, _SESSION):
            raise Unsuited("source and target are two servers, or two users of one")
        if transfer.table is None:
            raise Unsuited("the names in a query or a condition could mean the target's database")
        if transfer.never_null:
            raise Unsuited(f"column '{transfer.never_null[0]}' may be NULL in the source")
        return lambda arrived, _: self._load(transfer, arrived)

    def _load(self, transfer: Transfer, arrived: Callable[[int], None]) -> Moved:
        names = ", ".join(quote(column.name) for column in transfer.targets)
        insert = Query(f"INSERT INTO {self.stash} ({names})\n{transfer.query.sql}")
        rows = self._insert(insert)
        arrived(rows)
        size = fetch(self.target, _SIZE, [self.stash])
        return Moved(rows, rows, int(size[0][0] or 0) if size else 0)

    def _insert(self, insert: Query) -> int:
        """Without locks on the rows that are read, which others may go on to change."""
        fetch(self.target, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        try:
            with self.target.cursor() as cursor:
                cursor.execute(insert.sql)
                return int(cursor.rowcount)
        except pymysql.MySQLError as error:
            if error.args[0] not in _REFUSED:
                raise
            raise Unsuited(str(error.args[1])) from error
