"""The only module that reads time."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from; tests pass one that they move by hand."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""

    def steady(self) -> float:
        """Seconds on a clock that never steps and counts suspended time too."""

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""


def until_next(clock: Clock, every_seconds: float) -> float:
    """Seconds until the steady clock has the next multiple of `every_seconds`.

    Who looks now and then and sleeps that long wakes together with all that do so in this
    process: an idle one wakes once a second, however much it looks at.
    """
    return every_seconds - clock.steady() % every_seconds


class SystemClock:
    """The machine's own clocks; the steady one counts from when it was made.

    So each process has a beat of its own, and no two of them come to the store together.
    """

    def __init__(self) -> None:
        self._began = time.clock_gettime(_STEADY)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def steady(self) -> float:
        return time.clock_gettime(_STEADY) - self._began

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
