"""What the live events are made of."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nomaflow.events.bus import Bus
from nomaflow.history.looks import Looks
from nomaflow.services.runs import Runs


@dataclass(frozen=True)
class LiveParts:
    """`sign_in` gives the name behind a token, or None."""

    runs: Runs
    looks: Looks
    bus: Bus
    sign_in: Callable[[str], Awaitable[str | None]]
