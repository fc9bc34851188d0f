"""Columns of the source that an existing target does not have: told, and added where asked."""

from functools import partial

from nomaflow.connectors.copies import Target
from nomaflow.copying.order import Watch
from nomaflow.copying.patience import patiently
from nomaflow.copying.plan import Plan


def tell(plan: Plan, watch: Watch) -> None:
    """A line for each new column."""
    name = plan.table.name
    for column in plan.added:
        watch.tell(f"'{name}' gets the source's new column '{column.name}' {column.type.native}")
    for ignored in plan.ignored:
        watch.tell(f"'{name}' has no column '{ignored}': what the source has there is left out")


def add_columns(plan: Plan, target: Target, watch: Watch) -> None:
    """Add the new columns, empty for now."""
    name = plan.table.name
    patiently(partial(target.add_columns, name, plan.added), name, watch)
