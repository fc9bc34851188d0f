"""A scheduler's surroundings: a clock that the test moves by hand, and a ledger in memory."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from tests.fakes import FakeClock

from nomaflow.domain.job import JobId
from nomaflow.domain.pause import Pause
from nomaflow.domain.run import SCHEDULE
from nomaflow.domain.states import RunState
from nomaflow.scheduler.plan import Decision, Key, ScheduleEntry
from nomaflow.scheduler.scheduler import Scheduler
from nomaflow.triggers.cron import CronTrigger

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Store:
    """Keeps rows by their due time, once each, and cursors; can be taken down."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Key, datetime], Decision] = {}
        self.last_cursors: dict[Key, datetime] = {}
        self.batches: list[int] = []
        self.is_down = False
        self.pauses: list[Pause] = []
        self.looked_at: datetime | None = None

    def answer(self) -> None:
        if self.is_down:
            raise ConnectionError("the store does not answer")

    def due_times(self, job: str, state: RunState = RunState.QUEUED) -> list[str]:
        rows = [row for row in self.rows.values() if row.job_id == job and row.state == state]
        return [f"{row.scheduled_at:%H:%M:%S}" for row in rows]


def cron(job: str, text: str, timezone: str = "UTC") -> ScheduleEntry:
    return ScheduleEntry(JobId(job), SCHEDULE, CronTrigger.parse(text, timezone))


class House:
    """A clock, a store and a catalogue, and the scheduler that serves them: it is the ledger."""

    def __init__(self, *entries: ScheduleEntry) -> None:
        self.clock = FakeClock(NOON, patience=5)
        self.store = Store()
        self.jobs = list(entries)

    def entries(self) -> list[ScheduleEntry]:
        return self.jobs

    async def cursors(self) -> Mapping[Key, datetime]:
        return self.store.last_cursors

    async def fire(self, decisions: Sequence[Decision], cursors: Mapping[Key, datetime]) -> None:
        self.store.answer()
        self.store.batches.append(len(decisions))
        for decision in decisions:
            key = decision.job_id, decision.trigger_id
            self.store.rows.setdefault((key, decision.scheduled_at), decision)
        self.store.last_cursors |= cursors

    async def retire(self, keys: Collection[Key]) -> Collection[Key]:
        for key in keys:
            self.store.last_cursors.pop(key, None)
        return keys

    async def pauses(self, since: datetime) -> Sequence[Pause]:
        self.store.answer()
        return self.store.pauses

    async def last_look(self) -> datetime | None:
        return self.store.looked_at

    async def note_look(self) -> None:
        self.store.answer()
        self.store.looked_at = self.clock.now()

    @asynccontextmanager
    async def scheduler(self) -> AsyncIterator[Scheduler]:
        scheduler = Scheduler(self.clock, self, guard_seconds=5, sign_seconds=5)
        await scheduler.start()
        try:
            yield scheduler
        finally:
            await scheduler.stop()
