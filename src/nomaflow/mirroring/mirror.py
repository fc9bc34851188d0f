"""A mirror, told from beginning to end: all rows are seen, then one transaction changes a table."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nomaflow.connectors.mirrors import Mirror
from nomaflow.connectors.values import BadValue
from nomaflow.copying.progress import grouped
from nomaflow.errors import StepFailed
from nomaflow.mirroring.destination import Changes, Destination
from nomaflow.mirroring.guard import Guard
from nomaflow.mirroring.outlook import Outlook
from nomaflow.mirroring.rows import Batch


@dataclass(frozen=True)
class Order:
    """What is to be done: `guard` when rows that were not seen are pruned, else None."""

    guard: Guard | None
    dry_run: bool = False


@dataclass(frozen=True)
class Outcome:
    """What was done; `plan` says how many rows would come, change and go, after a dry run."""

    seen: int
    changes: Changes
    pruned: int
    plan: dict[str, int] | None = None

    def output(self) -> dict[str, Any]:
        """In the form of a step's output."""
        found = {"rows": self.seen, "upserted": self.changes.upserted, "pruned": self.pruned}
        if self.plan is not None:
            return {**found, "plan": self.plan}
        if self.changes.created is None:
            return found
        return {**found, "created": self.changes.created, "updated": self.changes.updated}

    def __str__(self) -> str:
        if self.plan is not None:
            return f"dry run, nothing was changed: {_listed(self.plan)}"
        return _listed(self.output())


class Mirroring:
    """One run of a mirror on an open connection; what is not committed goes with that."""

    def __init__(
        self, mirror: Mirror, destination: Destination, order: Order, tell: Callable[[str], None]
    ) -> None:
        self._mirror = mirror
        self._destination = destination
        self._order = order
        self._tell = tell
        self._seen = mirror.create_seen(destination.columns, destination.table, destination.key)

    def run(self, arriving: Iterable[Batch]) -> Outcome:
        """See every row, then change the table. Raises StepFailed with the table unchanged."""
        seen = sum(self._written(arriving))
        self._refuse_empty(seen)
        self._mirror.begin()
        outlook = self._outlook() if self._order.dry_run else None
        before = self._count() if self._order.guard else None
        changes = self._destination.upsert(self._seen)
        pruned = self._destination.prune(self._seen) if self._order.guard else 0
        plan = self._told(outlook) if outlook else {"upsert": changes.upserted, "prune": pruned}
        if self._order.guard:
            self._order.guard.check(pruned, seen, before)
        if self._order.dry_run:
            return Outcome(seen, Changes(0), 0, plan)
        self._mirror.commit()
        return Outcome(seen, changes, pruned)

    def _written(self, arriving: Iterable[Batch]) -> Iterator[int]:
        for batch in arriving:
            try:
                self._mirror.write(batch.rows)
            except BadValue as bad:
                raise batch.failure(bad) from None
            yield len(batch.rows)

    def _refuse_empty(self, seen: int) -> None:
        if seen or self._order.guard is None:
            return
        there = self._count()
        rows = "the rows" if there is None else f"{there:,} rows"
        raise StepFailed(
            f"The search found nothing, and pruning would remove {rows} of the target. "
            "Nothing was changed. Check search_base, search_filter and the account's rights.",
            cause="PruneRefused",
        )

    def _count(self) -> int | None:
        """How many rows the table has that is pruned, where it is known."""
        table = self._destination.table
        if table is None:
            return None
        place = self._mirror.reference(table.name)
        ((count,),) = self._mirror.select(f"SELECT count(*) FROM {place}")  # noqa: S608 - quoted
        return int(count)

    def _outlook(self) -> Outlook | None:
        table, key = self._destination.table, self._destination.key
        return Outlook(self._mirror, table, key) if table and key else None

    def _told(self, outlook: Outlook) -> dict[str, int]:
        difference = outlook.difference()
        for line in difference.lines:
            self._tell(line)
        return difference.counts


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{grouped(count)} {what}" for what, count in counts.items())
