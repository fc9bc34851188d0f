"""What a copy does about the versions that it replaces, or puts back."""

from dataclasses import dataclass, replace
from typing import Any

from nomaflow.connectors.copies import Target
from nomaflow.connectors.tables import TableName
from nomaflow.copying.order import Order
from nomaflow.copying.plan import Plan
from nomaflow.copying.versions import Version, Versions, version_name
from nomaflow.errors import StepRefused


@dataclass(frozen=True)
class Keeping:
    """The versions of the table that one order is about."""

    order: Order
    target: Target

    def name(self, plan: Plan) -> TableName | None:
        """A name for the rows that are replaced, if they are to be kept; nobody else has it."""
        if not self.order.keep or plan.creates:
            return None
        name = version_name(plan.table.name, self.order.receipt)
        names = (name, *(replace(name, table=f"{name.table}_{n}") for n in range(2, 1000)))
        return next(free for free in names if self.target.table(free) is None)

    def note(self, plan: Plan, kept: TableName | None, rows: int) -> None:
        """List the version, in the transaction that makes it one."""
        if kept is not None:
            name = plan.table.name
            version = Version(kept, self.target.stamp(name), rows)
            self._versions(plan).add(version, name, self.order.receipt)

    def prune(self, plan: Plan) -> None:
        """Drop what is beyond the number to keep, and the version that was put back."""
        if self.order.keep and not plan.creates:
            self._versions(plan).prune(plan.table.name, self.order.keep)
        if self.order.undoing is not None:
            self._versions(plan).remove(self.order.undoing)

    def refuse_changed(self, name: TableName) -> None:
        """A version is put back only in the place of what took its place."""
        version = self.order.undoing
        if version is not None and self.target.changed_since(name, version.stamp, version.rows):
            raise StepRefused(
                f"Table '{name}' was changed since: rows came, went or are others. Putting the "
                f"version back would lose that. Its rows are in '{version.name}'."
            )

    def _versions(self, plan: Plan) -> Versions:
        return Versions(self.target, plan.table.name.schema)


def kept_in(connector: str, plan: Plan, kept: TableName) -> dict[str, Any]:
    """Where the replaced rows are, for the step's output."""
    return {
        "connector": connector,
        "schema": plan.table.name.schema,
        "table": plan.table.name.table,
        "version": kept.table,
    }
