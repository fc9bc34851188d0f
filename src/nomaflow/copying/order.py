"""What a step asks of a copy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nomaflow.clock import Clock
from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import TableName
from nomaflow.copying.guard import Guard
from nomaflow.copying.incremental import Incremental
from nomaflow.copying.plan import Request
from nomaflow.copying.receipt import ReceiptKey
from nomaflow.copying.shape import Wishes
from nomaflow.copying.versions import Version
from nomaflow.errors import StepCanceled

Verify = Literal["count", "checksum"]


@dataclass(frozen=True)
class Selection:
    """What is read: a table, perhaps only rows `where`, or a query; and the values they bind."""

    origin: TableName | Statement
    where: Statement | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Order:
    """One copy to be made; `receipt` is written if it is an append.

    `partitions`: how many readers and writers, where they can work side by side. `shorten`: a
    faster lane than rows one by one may be taken. `keep`: how many versions of an overwritten
    target stay. `undoing`: the version that is put back, if this is no copy of the user's.
    """

    selection: Selection
    request: Request
    batch_size: int
    receipt: ReceiptKey
    wishes: Wishes = field(default_factory=Wishes)
    guard: Guard = field(default_factory=Guard)
    verify: Verify = "count"
    incremental: Incremental | None = None
    partitions: int = 1
    shorten: bool = True
    keep: int = 0
    undoing: Version | None = None


@dataclass(frozen=True)
class Watch:
    """How a copy talks to its run: lines for the log, rows done of how many, whether to stop."""

    tell: Callable[[str], None]
    report: Callable[[int, int | None], None]
    is_cancelled: Callable[[], bool]
    clock: Clock

    def stop_if_asked(self) -> None:
        if self.is_cancelled():
            raise StepCanceled("The copy was stopped. The target is unchanged.")
