"""Columns of the source that an existing target does not have: told, and added where asked."""

import threading
from typing import Final

from nomaflow.connectors.copies import TableLocked, Target
from nomaflow.copying.order import Watch
from nomaflow.copying.plan import Plan

_LOCK_PAUSE_SECONDS: Final = 0.3


def tell(plan: Plan, watch: Watch) -> None:
    """A line for each new column."""
    name = plan.table.name
    for column in plan.added:
        watch.tell(f"'{name}' gets the source's new column '{column.name}' {column.type.native}")
    for ignored in plan.ignored:
        watch.tell(f"'{name}' has no column '{ignored}': what the source has there is left out")


def add_columns(plan: Plan, target: Target, watch: Watch) -> None:
    """Add the new columns, empty for now, in short tries: nobody queues up behind us."""
    waiting = False
    while True:
        watch.stop_if_asked()
        try:
            return target.add_columns(plan.table.name, plan.added)
        except TableLocked:
            if not waiting:
                watch.tell(f"waiting for '{plan.table.name}', which others use")
            waiting = True
            threading.Event().wait(_LOCK_PAUSE_SECONDS)
