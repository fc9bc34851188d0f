"""The timer: one heap of due times, one sleeper, and a guard against a clock that steps."""

import heapq
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Generic, TypeVar

from nomaflow.clock import Clock, until_next

K = TypeVar("K", bound=Hashable)

_STEP = timedelta(seconds=1)


class Timer(Generic[K]):
    """Hands out keys when they are due, all that are due at once.

    `on_due(keys)` gets them earliest first; each must be armed again. `on_step(by)` is called
    after the wall clock was set forward or back against the steady clock. The sleeper looks at
    both clocks at least each `guard_seconds`; a key armed from outside is noticed then.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        on_due: Callable[[Sequence[K]], Awaitable[None]],
        on_step: Callable[[timedelta], Awaitable[None]],
        guard_seconds: float = 1.0,
    ) -> None:
        self._clock = clock
        self._on_due = on_due
        self._on_step = on_step
        self._guard_seconds = guard_seconds
        self._heap: list[tuple[datetime, int, K]] = []
        self._armed: dict[K, datetime] = {}
        self._order = count()
        self._looked_at = clock.now()
        self._steady = clock.steady()

    @property
    def looked_at(self) -> datetime:
        """When the timer last looked at the clock."""
        return self._looked_at

    def arm(self, key: K, due: datetime) -> None:
        """Wake `key` at `due`, and no more at what was set before."""
        if self._armed.get(key) == due:
            return
        self._armed[key] = due
        heapq.heappush(self._heap, (due, next(self._order), key))

    def disarm(self, key: K) -> None:
        self._armed.pop(key, None)

    def due_of(self, key: K) -> datetime | None:
        """When `key` is armed for; None: it is not."""
        return self._armed.get(key)

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            await self._clock.sleep(self._wait_seconds())
            await self._look()

    async def _look(self) -> None:
        now, steady = self._clock.now(), self._clock.steady()
        stepped = (now - self._looked_at) - timedelta(seconds=steady - self._steady)
        if abs(stepped) > _STEP:
            await self._on_step(stepped)
        if due := self._take_due(now):
            await self._on_due(due)
        self._looked_at, self._steady = now, steady

    def _wait_seconds(self) -> float:
        until_guard = until_next(self._clock, self._guard_seconds)
        if not self._heap:
            return until_guard
        until_due = (self._heap[0][0] - self._clock.now()).total_seconds()
        return min(max(until_due, 0.0), until_guard)

    def _take_due(self, now: datetime) -> list[K]:
        taken = []
        while self._heap and self._heap[0][0] <= now:
            due, _, key = heapq.heappop(self._heap)
            if self._armed.get(key) == due:
                del self._armed[key]
                taken.append(key)
        return taken
