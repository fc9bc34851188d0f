"""Puts the version back that an overwrite has replaced: a copy within the target's database."""

from typing import Any

from nomaflow.connectors.tables import TableName
from nomaflow.copying.copy import copy
from nomaflow.copying.order import Order, Selection, Watch
from nomaflow.copying.plan import Request
from nomaflow.copying.receipt import ReceiptKey
from nomaflow.copying.side import Side
from nomaflow.copying.versions import Version, Versions
from nomaflow.errors import StepRefused

_BATCH_ROWS = 10_000


def undo(
    name: TableName, version: str, reading: Side, writing: Side, watch: Watch, receipt: ReceiptKey
) -> dict[str, Any]:
    """Make the table hold the version's rows again, and drop the version; returns the receipt.

    `reading` and `writing` are two ends of one connector. Raises StepRefused when the version is
    gone, or when the table was changed since.
    """
    found = _version(name, version, writing)
    order = Order(
        selection=Selection(found.name),
        request=Request("overwrite", name),
        batch_size=_BATCH_ROWS,
        receipt=receipt,
        undoing=found,
    )
    return copy(order, reading, writing, watch)


def _version(name: TableName, version: str, writing: Side) -> Version:
    with writing.connection() as connection, writing.errors():
        target = writing.dialect.target(connection)
        found = Versions(target, target.home(name).schema).find(version)
        if found is None or target.table(name) is None:
            missing = version if found is None else name
            raise StepRefused(
                f"Table '{missing}' is gone from connector '{writing.name}': later copies have "
                "pruned it, or it was put back or dropped. Nothing was changed."
            )
    return found
