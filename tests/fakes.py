"""Stand-ins that tests pass as arguments; each keeps the contract of the real thing."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count


class FakeClock:
    """A clock that tests move by hand; keeps the contract of `nomaflow.clock.Clock`.

    Sleepers wake in the order of their deadlines, each at its own instant. `patience` is how many
    turns of the event loop the woken get before time moves on.
    """

    def __init__(
        self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC), *, patience: int = 20
    ) -> None:
        self._wall = start
        self._steady = 0.0
        self._awake = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self._patience = patience

    def now(self) -> datetime:
        return self._wall

    def steady(self) -> float:
        return self._steady

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        alarm = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._awake + seconds, next(self._order), alarm))
        await alarm

    async def advance(self, seconds: float) -> None:
        """Let time pass, waking every sleeper on the way."""
        await self._settle()
        end = self._awake + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            deadline, _, alarm = heapq.heappop(self._sleepers)
            self._pass(deadline - self._awake)
            if not alarm.done():
                alarm.set_result(None)
                await self._settle()
        self._pass(end - self._awake)

    def step(self, seconds: float) -> None:
        """Set the wall clock forward, or back when negative; nothing else moves."""
        self._wall += timedelta(seconds=seconds)

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: both clocks move on, and every sleeper still has its full wait."""
        self._wall += timedelta(seconds=seconds)
        self._steady += seconds

    def _pass(self, seconds: float) -> None:
        self._awake += seconds
        self._steady += seconds
        self._wall += timedelta(seconds=seconds)

    async def _settle(self) -> None:
        for _ in range(self._patience):
            await asyncio.sleep(0)
