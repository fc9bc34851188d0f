"""The table that a copy fills before the target changes."""

from dataclasses import dataclass
from typing import Final

from nomaflow.connectors.copies import Moved, Target
from nomaflow.connectors.tables import Kind, Table, TableName
from nomaflow.copying.plan import Key
from nomaflow.copying.stream import key_text
from nomaflow.errors import StepFailed

_COMPARED_ALIKE: Final = frozenset(
    {Kind.INTEGER, Kind.DECIMAL, Kind.BOOLEAN, Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.UUID}
)


@dataclass(frozen=True)
class Stash:
    """A filled stash: how SQL refers to it, and how many rows it holds."""

    name: str
    target: Target
    rows: int

    def verify(self, moved: Moved) -> None:
        """Raises StepFailed unless every row that was read is there."""
        stored = moved.written if moved.counted else self._count()
        if not moved.read == moved.written == stored == self.rows:
            raise StepFailed(
                f"Rows were lost: {moved.read} read, {moved.written} written, {stored} stored. "
                "The target is unchanged. Please report this."
            )

    def _count(self) -> int:
        row = self.target.row(f"SELECT count(*) FROM {self.name}")  # noqa: S608 - ours
        return int(row[0]) if row else 0

    def refuse_twins(self, key: Key) -> None:
        """Raises StepFailed when two rows have the same key."""
        names = ", ".join(self.target.quote(name) for name in key)
        present = " AND ".join(f"{self.target.quote(name)} IS NOT NULL" for name in key)
        twins = (
            f"SELECT {names} FROM {self.name} WHERE {present} "  # noqa: S608 - quoted
            f"GROUP BY {names} HAVING count(*) > 1"
        )
        twin = self.target.row(self.target.one_of(twins))
        if twin is not None:
            raise StepFailed(
                f"The source has more than one row with {key_text(key, twin)}, which is unique in "
                "the target. The target is unchanged."
            )

    def refuse_merged(self, table: Table, key: Key) -> None:
        """Raises StepFailed unless each row has arrived under a key of its own.

        A collation of the table may take two keys for one, such as 'a' and 'A'. Keys without any
        text in them are as different there as in the stash.
        """
        names = ", ".join(f"t.{self.target.quote(name)}" for name in key)
        distinct = "DISTINCT " if self._may_merge(table, key) else ""
        row = self.target.row(
            f"SELECT count(*) FROM (SELECT {distinct}{names} FROM {self.name} s "  # noqa: S608
            f"JOIN {self.target.reference(table.name)} t ON {self.same(key)}) arrived"
        )
        arrived = row[0] if row else 0
        if arrived != self.rows:
            raise StepFailed(
                f"{self.rows} rows of the source have only {arrived} different keys in "
                f"'{table.name}'. The target is unchanged."
            )

    def _may_merge(self, table: Table, key: Key) -> bool:
        kinds = {column.type.kind for column in table.columns if column.name in key}
        return not (self.target.types.enforced and kinds <= _COMPARED_ALIKE)

    def first_known(self, table: TableName, key: Key) -> str | None:
        """A key that the table has already, such as `id = 37`."""
        names = ", ".join(f"s.{self.target.quote(name)}" for name in key)
        known = (
            f"SELECT {names} FROM {self.name} s WHERE EXISTS "  # noqa: S608 - quoted
            f"(SELECT 1 FROM {self.target.reference(table)} t WHERE {self.same(key)})"
        )
        row = self.target.row(self.target.one_of(known))
        return key_text(key, row) if row else None

    def same(self, key: Key) -> str:
        """An SQL condition: rows `t` and `s` have the same key, by the table's collation."""
        quote = self.target.quote
        return " AND ".join(f"t.{quote(name)} = s.{quote(name)}" for name in key)

    def count_known(self, table: TableName, key: Key) -> int:
        """How many rows have a key that the table has already."""
        row = self.target.row(
            f"SELECT count(*) FROM {self.name} s WHERE EXISTS "  # noqa: S608 - quoted
            f"(SELECT 1 FROM {self.target.reference(table)} t WHERE {self.same(key)})"
        )
        return int(row[0]) if row else 0
