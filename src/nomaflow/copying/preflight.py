"""What a copy would do, found out without changing anything on either side."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from nomaflow.connectors.copies import Source, Target
from nomaflow.connectors.tables import Table
from nomaflow.copying import swap
from nomaflow.copying.decide import Decider, Decision
from nomaflow.copying.lanes import Lane, lane
from nomaflow.copying.order import Order
from nomaflow.copying.plan import PlannedColumn
from nomaflow.copying.side import Side
from nomaflow.errors import StepFailed

_COUNT_SECONDS: Final = 10.0


def preflight(order: Order, reading: Side, writing: Side) -> dict[str, Any]:
    """The plan in plain words and figures.

    Raises StepRefused, as the copy would, naming every column that the target cannot hold.
    """
    with reading.connection() as ours, writing.connection() as theirs:
        source = reading.dialect.source(ours)
        target = writing.dialect.target(theirs)
        with reading.errors():
            source.begin()
        with writing.errors():
            place = target.home(order.request.target)
            table = target.table(place)
            decision = Decider(order, reading, source, target).decide(place, table)
            choice = swap.ways(decision.plan, target)[0]
            before = _rows(target, table)
        with reading.errors():
            rows = source.count(decision.transfer.query, _COUNT_SECONDS)
            chosen = _lane(order, decision, rows, source, target)
    return {
        "source_rows": rows,
        "target_rows": before,
        "mode": decision.plan.mode,
        "way": choice.way.value,
        "way_reason": choice.reason,
        "lane": chosen.name,
        "lanes_passed_over": list(chosen.passed_over),
        "held": _held(order, decision, rows, before),
        **_columns(decision),
    }


def _lane(
    order: Order, decision: Decision, rows: int | None, source: Source, target: Target
) -> Lane:
    """A value that is refused on it leads to another one all the same."""
    shortcuts = target.shortcuts(source) if order.shorten else ()
    return lane(replace(decision.transfer, rows=rows), shortcuts)


def _columns(decision: Decision) -> dict[str, Any]:
    plan, part = decision.plan, decision.stretch
    incremental = None if part is None else {"column": part.column.name, "from": part.start}
    return {
        "creates": plan.creates,
        "key": list(plan.key),
        "columns": [_column(column) for column in plan.columns],
        "coercions": plan.coercions,
        "left_alone": list(plan.left_alone),
        "added_columns": [column.name for column in plan.added],
        "ignored_columns": list(plan.ignored),
        "incremental": incremental,
    }


def _column(column: PlannedColumn) -> Mapping[str, Any]:
    """`checked`: each value is looked at, because not every one of the source's type may fit."""
    return {
        "name": column.target.name,
        "source_type": column.source.type.native,
        "target_type": column.target.type.native,
        "expression": column.source.expression,
        "checked": bool(column.functions),
    }


def _rows(target: Target, table: Table | None) -> int | None:
    """How many rows the target has; None: there is no such table."""
    if table is None:
        return None
    found = target.row(f"SELECT count(*) FROM {target.reference(table.name)}")  # noqa: S608 - quoted
    return int(found[0]) if found else None


def _held(order: Order, decision: Decision, rows: int | None, before: int | None) -> str | None:
    """Why the swap would be held, if so many rows came."""
    if rows is None:
        return None
    taken = before if decision.plan.mode == "overwrite" else 0
    try:
        order.guard.check(str(decision.plan.table.name), rows, taken or 0)
    except StepFailed as held:
        return str(held)
    return None
