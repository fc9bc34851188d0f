"""Old versions of overwritten tables: kept beside them, listed in the target, put back.

The list is a table of the target's schema, written in the transaction of the swap, so that it
never names a version that is not there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from nomaflow.connectors.copies import Target
from nomaflow.connectors.tables import TableName
from nomaflow.copying.receipt import ReceiptKey

TABLE = "nomaflow_versions"
_DEFINITION = (
    "version VARCHAR(255) NOT NULL PRIMARY KEY, target VARCHAR(255) NOT NULL,"
    " kept_at VARCHAR(255) NOT NULL, stamp TEXT NOT NULL, new_rows BIGINT NOT NULL"
)
_LONGEST_BASE_BYTES = 34


@dataclass(frozen=True)
class Version:
    """A table as it was before an overwrite.

    `stamp` and `rows` tell whether the new table was changed since.
    """

    name: TableName
    stamp: str
    rows: int


def version_name(table: TableName, key: ReceiptKey) -> TableName:
    """`orders_before_184_0`: the version that step 0 of run 184 has replaced."""
    base = table.table.encode()[:_LONGEST_BASE_BYTES].decode(errors="ignore")
    return TableName(f"{base}_before_{key.key.replace(':', '_')}", table.schema)


class Versions:
    """The kept versions of one schema's tables."""

    def __init__(self, target: Target, schema: str | None) -> None:
        self._target = target
        self._schema = schema
        self._name = TableName(TABLE, schema)
        self._table = target.reference(self._name)

    def add(self, version: Version, table: TableName, key: ReceiptKey) -> None:
        """Note a version of that table, again after a swap that did not come to its end."""
        self._target.make(self._name, _DEFINITION)
        self._forget(version)
        places = ", ".join(self._target.place(number) for number in range(1, 6))
        self._target.execute(
            f"INSERT INTO {self._table} (version, target, kept_at, stamp, new_rows)"  # noqa: S608
            f" VALUES ({places})",
            [
                version.name.table,
                table.table,
                key.started_at.isoformat(),
                version.stamp,
                version.rows,
            ],
        )

    def find(self, name: str) -> Version | None:
        """The version of that name, if it is still kept."""
        if self._target.table(self._name) is None:
            return None
        row = self._target.row(
            f"SELECT stamp, new_rows FROM {self._table}"  # noqa: S608 - ours
            f" WHERE version = {self._target.place(1)}",
            [name],
        )
        place = TableName(name, self._schema)
        if row is None or self._target.table(place) is None:
            return None
        return Version(place, row[0], int(row[1]))

    def remove(self, version: Version) -> bool:
        """Drop a version; False when others hold it."""
        if not self._target.drop(version.name):
            return False
        self._forget(version)
        return True

    def _forget(self, version: Version) -> None:
        self._target.execute(
            f"DELETE FROM {self._table} WHERE version = {self._target.place(1)}",  # noqa: S608
            [version.name.table],
        )

    def prune(self, table: TableName, keep: int) -> int:
        """Drop all versions of a table but the `keep` newest; returns how many are gone."""
        return sum(self.remove(version) for version in self._surplus(table, keep))

    def _surplus(self, table: TableName, keep: int) -> Sequence[Version]:
        """The versions of a table beyond the `keep` newest, the oldest last."""
        found: list[Version] = []
        listed = (
            f"SELECT version, stamp, new_rows FROM {self._table}"  # noqa: S608 - ours
            f" WHERE target = {self._target.place(1)}"
        )
        newest = "kept_at DESC, version DESC"
        while row := self._target.row(
            self._target.one_of(listed, newest, keep + len(found)), [table.table]
        ):
            found.append(Version(TableName(row[0], self._schema), row[1], int(row[2])))
        return found
