"""A year of a thousand daily jobs, through triggers, plan, timer and scheduler."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from tests.fakes import FakeClock

from nomaflow.domain.job import JobId
from nomaflow.domain.run import SCHEDULE
from nomaflow.domain.states import RunState
from nomaflow.scheduler.plan import Decision, Key, ScheduleEntry
from nomaflow.scheduler.scheduler import Scheduler
from nomaflow.triggers.cron import CronTrigger

JOBS, DAYS = 1000, 365
GENEROUS_SECONDS = 120


async def test_a_thousand_daily_jobs_fire_365_times_in_a_year_of_365_days() -> None:
    clock = FakeClock(datetime(2026, 1, 1, tzinfo=UTC) - timedelta(hours=1), patience=1)
    fired: dict[JobId, list[datetime]] = {JobId(f"job-{n}"): [] for n in range(JOBS)}

    async def fire(decisions: Sequence[Decision], _cursors: Mapping[Key, datetime]) -> None:
        for decision in decisions:
            assert decision.state == RunState.QUEUED
            fired[decision.job_id].append(decision.scheduled_at)

    async def no_cursors() -> Mapping[Key, datetime]:
        return {}

    texts = [f"{n % 12 * 5} {n // 12 % 24} * * *" for n in range(JOBS)]
    entries = [
        ScheduleEntry(job, SCHEDULE, CronTrigger.parse(text, "Europe/Paris"))
        for job, text in zip(fired, texts, strict=True)
    ]
    scheduler = Scheduler(
        clock, schedules=lambda: entries, cursors=no_cursors, fire=fire, guard_seconds=86_400
    )
    started = time.perf_counter()
    await scheduler.start()
    await clock.advance(timedelta(days=DAYS).total_seconds())
    await scheduler.stop()

    assert {len(due_times) for due_times in fired.values()} == {DAYS}
    assert all(due_times == sorted(set(due_times)) for due_times in fired.values())
    assert time.perf_counter() - started < GENEROUS_SECONDS
