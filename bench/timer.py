"""Many schedules in one scheduler: how long until all are armed, and what they take."""

import asyncio
import tracemalloc
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from time import perf_counter

from bench.figure import Figure
from nomaflow.clock import SystemClock
from nomaflow.domain.job import JobId
from nomaflow.domain.pause import Pause
from nomaflow.domain.run import SCHEDULE
from nomaflow.scheduler.plan import Decision, Key, ScheduleEntry
from nomaflow.scheduler.scheduler import Scheduler
from nomaflow.triggers.cron import CronTrigger

SCHEDULES = 50_000
SETTINGS = f"{SCHEDULES:,} jobs, 1,440 different daily schedules in Europe/Paris, nothing due"


def measure() -> Iterator[Figure]:
    began = perf_counter()
    asyncio.run(armed())
    yield Figure("armed", perf_counter() - began, "s", SETTINGS, "≤ 3", "7.5 (APScheduler)")
    tracemalloc.start()
    kept = asyncio.run(armed())
    memory = tracemalloc.get_traced_memory()[0] / 2**20
    tracemalloc.stop()
    yield Figure("memory", memory, "MiB", SETTINGS, "≤ 40", "169 (APScheduler)")
    due = sum(kept.next_due(JobId(f"job-{number}")) is not None for number in range(SCHEDULES))
    yield Figure("jobs with a next due time", due, "jobs", SETTINGS, f"{SCHEDULES}")


async def armed() -> Scheduler:
    """A scheduler that has read and armed all schedules, stopped again."""
    scheduler = Scheduler(SystemClock(), EmptyLedger())
    await scheduler.start()
    await scheduler.stop()
    return scheduler


class EmptyLedger:
    """Schedules that nobody has ever looked at, and no rows."""

    def entries(self) -> Iterator[ScheduleEntry]:
        for number in range(SCHEDULES):
            text = f"{number % 60} {number // 60 % 24} * * *"
            trigger = CronTrigger.parse(text, "Europe/Paris")
            yield ScheduleEntry(JobId(f"job-{number}"), SCHEDULE, trigger)

    async def cursors(self) -> Mapping[Key, datetime]:
        return {}

    async def fire(self, decisions: Sequence[Decision], cursors: Mapping[Key, datetime]) -> None:
        """Nothing is due; cursors are not kept."""

    async def retire(self, keys: Collection[Key]) -> Collection[Key]:
        return keys

    async def pauses(self, since: datetime) -> Sequence[Pause]:  # noqa: ARG002  # the seam's
        return ()

    async def last_look(self) -> datetime | None:
        return None

    async def note_look(self) -> None:
        """Nobody asks later."""
