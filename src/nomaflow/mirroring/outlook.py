"""What a mirror would change: done, compared with a copy from before, and rolled back by others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from nomaflow.connectors.mirrors import Mirror
from nomaflow.connectors.tables import Table
from nomaflow.mirroring.destination import spelled

MOST_LINES: Final = 1000
_BEFORE: Final = "nomaflow_before"


@dataclass(frozen=True)
class Difference:
    """The rows that came, changed and went: how many, and lines that name the first of them."""

    counts: dict[str, int]
    lines: list[str]


class Outlook:
    """Holds a copy of a table with a key, to tell afterwards what became of it."""

    def __init__(self, mirror: Mirror, table: Table, key: Sequence[str]) -> None:
        self._mirror = mirror
        self._table = table
        self._key = key
        self._place = mirror.reference(table.name)
        self._names = [*key, *(c.name for c in table.columns if c.name not in key)]
        mirror.execute(f"CREATE TEMPORARY TABLE {_BEFORE} AS SELECT * FROM {self._place}")  # noqa: S608

    def difference(self) -> Difference:
        """Compare the table as it is now with the copy."""
        kinds = {
            "create": self._gone(self._place, _BEFORE),
            "update": self._changed(),
            "prune": self._gone(_BEFORE, self._place),
        }
        counts, lines = {}, []
        for kind, found in kinds.items():
            shown = [f"{kind} {line}" for line in islice(found, MOST_LINES)]
            further = sum(1 for _ in found)
            counts[kind] = len(shown) + further
            lines += [*shown, *([f"{kind} {further:,} more"] if further else [])]
        return Difference(counts, lines)

    def _gone(self, ours: str, theirs: str) -> Iterator[str]:
        """The keys of the rows in one of the tables which the other does not have."""
        names = ", ".join(f"{ours}.{self._mirror.quote(name)}" for name in self._key)
        rows = self._mirror.select(
            f"SELECT {names} FROM {ours} WHERE NOT EXISTS "  # noqa: S608 - quoted
            f"(SELECT 1 FROM {theirs} WHERE {self._same})"
        )
        return (spelled(self._key, row) for row in rows)

    def _changed(self) -> Iterator[str]:
        others = self._names[len(self._key) :]
        if not others:
            return
        columns = [
            f"{side}.{self._mirror.quote(name)}"
            for side in (_BEFORE, self._place)
            for name in self._names
        ]
        differs = self._mirror.differs(self._table, others, left=_BEFORE, right=self._place)
        rows = self._mirror.select(
            f"SELECT {', '.join(columns)} FROM {_BEFORE}, {self._place} "  # noqa: S608 - quoted
            f"WHERE {self._same} AND {differs}"
        )
        for row in rows:
            yield self._spelled_change(row[: len(self._names)], row[len(self._names) :])

    def _spelled_change(self, old: Sequence[Any], new: Sequence[Any]) -> str:
        changes = [
            f"{name} {before!r} → {after!r}"
            for name, before, after in zip(self._names, old, new, strict=True)
            if before != after
        ]
        return f"{spelled(self._key, new[: len(self._key)])}: {', '.join(changes)}"

    @property
    def _same(self) -> str:
        quoted = map(self._mirror.quote, self._key)
        return " AND ".join(f"{_BEFORE}.{name} = {self._place}.{name}" for name in quoted)
