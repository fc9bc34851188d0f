"""Waiting for what others hold, in short tries, so that nobody queues up behind us."""

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from nomaflow.connectors.copies import TableLocked, WayClosed
from nomaflow.connectors.tables import TableName
from nomaflow.copying.order import Watch

_PAUSE_SECONDS: Final = 0.3

Done = TypeVar("Done")


def patiently(
    do: Callable[[], Done], table: TableName, watch: Watch, seconds: float | None = None
) -> Done:
    """Do it again and again while the table is locked.

    Raises WayClosed after so many seconds; None: only a stop ends the waiting.
    """
    began, waiting = watch.clock.steady(), False
    while True:
        watch.stop_if_asked()
        try:
            return do()
        except TableLocked as locked:
            if seconds is not None and watch.clock.steady() - began > seconds:
                raise WayClosed(f"others held the table for {seconds:.0f} s: {locked}") from None
        if not waiting:
            watch.tell(f"waiting for '{table}', which others use")
        waiting = True
        threading.Event().wait(_PAUSE_SECONDS)
