"""The end of a copy: a verified stash gets into the target, by the best way that is open.

A way may close while it is gone: somebody changes the table's definition, or holds it for too
long. Then the next one is taken, and the log says why.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from nomaflow.connectors.copies import Choice, Target, Way, WayClosed
from nomaflow.connectors.tables import TableName
from nomaflow.copying.changes import CHANGES, Changes, replacement_key
from nomaflow.copying.order import Watch
from nomaflow.copying.patience import Done, patiently
from nomaflow.copying.plan import Plan
from nomaflow.copying.progress import grouped
from nomaflow.copying.stash import Stash
from nomaflow.errors import StepFailed

_PATIENCE_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Outcome:
    """What was changed, which way it went and why, and for how long."""

    changes: Changes
    choice: Choice
    seconds: float


def ways(plan: Plan, target: Target) -> Sequence[Choice]:
    """How a copy may end, the best way first."""
    if plan.creates:
        return [Choice(Way.CREATE, "there is no such table yet")]
    if plan.mode == "overwrite":
        return target.ways(plan.table, replacement_key(plan))
    way = Way.INSERT if plan.mode == "append" else Way.UPSERT
    return [Choice(way, f"mode {plan.mode}")]


@dataclass(frozen=True)
class Swap:
    """One stash and its target.

    `keep` is the name for the rows that are replaced, if they are kept. In the transaction that
    changes the target, `check` is called before, and `also` after the change.
    """

    plan: Plan
    stash: Stash
    target: Target
    watch: Watch
    check: Callable[[], None]
    also: Callable[[], None]
    keep: TableName | None = None

    def run(self, ways: Sequence[Choice]) -> Outcome:
        """Take the first way that stays open. Raises StepFailed with the target unchanged."""
        for key in self.plan.unproven:
            self.stash.refuse_twins(key)
        for choice in ways[:-1]:
            try:
                return self._go(choice, _PATIENCE_SECONDS)
            except WayClosed as closed:
                self.watch.tell(f"{choice.way} is not possible: {closed}")
        try:
            return self._go(ways[-1], None)
        except WayClosed as closed:
            raise StepFailed(
                f"{closed}. The target '{self.plan.table.name}' is unchanged."
            ) from None

    def _go(self, choice: Choice, patience: float | None) -> Outcome:
        rows = f"{grouped(self.stash.rows)} rows into '{self.plan.table.name}'"
        self.watch.tell(f"swapping {rows} by {choice.way}: {choice.reason}")
        try:
            self._patiently(partial(self.target.ripen, self.plan.table, choice.way), patience)
            began, changes = self._patiently(partial(self._change, choice.way), patience)
        except Exception as error:
            reason = self.target.violation(error)
            if reason is None:
                raise
            if choice.way is Way.MERGE and not self.plan.table.referenced:
                raise WayClosed(reason) from error
            raise self._violation(reason) from error
        return Outcome(changes, choice, self.watch.clock.steady() - began)

    def _change(self, way: Way) -> tuple[float, Changes]:
        """Returns when the table was ours, and what changed."""
        self.target.enter(self.plan.table, way, self.keep)
        began = self.watch.clock.steady()
        try:
            self.check()
            changes = CHANGES[way](self.plan, self.stash, self.target)
            self.also()
            self.target.commit()
        except BaseException:
            self.target.leave()
            raise
        return began, changes

    def _patiently(self, do: Callable[[], Done], seconds: float | None) -> Done:
        return patiently(do, self.plan.table.name, self.watch, seconds)

    def _violation(self, reason: str) -> StepFailed:
        """What broke a rule of the target, with the key where it can be known."""
        name = self.plan.table.name
        written = set(self.plan.names)
        keys = [key for key in self.plan.table.keys if written.issuperset(key)]
        twins = [self.stash.first_known(name, key) for key in keys if self.plan.mode == "append"]
        known = next(filter(None, twins), None)
        if known is not None:
            reason = f"The target already has a row with {known}"
        return StepFailed(f"{reason}. The target '{name}' is unchanged.")
