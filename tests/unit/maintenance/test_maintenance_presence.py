"""The sign of life: whose silence counts, after a time in which nobody could be heard."""

from collections.abc import Callable, Collection

from tests.fakes import FakeClock

from nomaflow.domain.job import JobId
from nomaflow.domain.run import ProcessId, Run
from nomaflow.events.bus import Bus
from nomaflow.maintenance.presence import BEATS_UNTIL_DEAD, Presence

DEAD_AFTER = 30.0


class SlowStore:
    """Keeps the registry's contract; a heartbeat takes as long as the store was away."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.away_seconds = 0.0
        self.counted: list[float] = []

    async def register(self, kind: str) -> ProcessId:
        return ProcessId(f"{kind}-1")

    async def heartbeat(self, _: ProcessId) -> bool:
        self._clock.suspend(self.away_seconds)
        return True

    async def dead(self, *, silent_seconds: float, in_touch_since: float) -> list[ProcessId]:
        assert silent_seconds == DEAD_AFTER
        self.counted.append(self._clock.steady() - in_touch_since)
        return []

    async def rescue(self, _: Collection[ProcessId], __: Callable[[JobId], bool]) -> list[Run]:
        return []

    async def remove(self, _: ProcessId) -> None:
        return


async def test_silence_counts_anew_after_a_store_that_was_waited_for(clock: FakeClock) -> None:
    store = SlowStore(clock)
    presence = Presence(store, Bus(), clock, resumes=lambda _: False, dead_after_seconds=DEAD_AFTER)
    await presence.open("server")
    await clock.advance(2 * DEAD_AFTER)
    before = store.counted[-1]
    store.away_seconds = DEAD_AFTER
    await clock.advance(DEAD_AFTER / BEATS_UNTIL_DEAD)
    after = store.counted[-1]
    store.away_seconds = 0
    await clock.advance(2 * DEAD_AFTER)
    later = store.counted[-1]
    await presence.close()

    assert before >= DEAD_AFTER
    assert after == 0
    assert later >= DEAD_AFTER
