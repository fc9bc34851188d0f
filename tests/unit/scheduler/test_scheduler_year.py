"""A year of a thousand daily jobs, through triggers, plan, timer and scheduler."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from tests.fakes import FakeClock
from tests.unit.scheduler.house import House, cron

from nomaflow.domain.job import JobId
from nomaflow.domain.states import RunState
from nomaflow.scheduler.scheduler import Scheduler

JOBS, DAYS, DAY = 1000, 365, 86_400
GENEROUS_SECONDS = 120


async def test_a_thousand_daily_jobs_fire_365_times_in_a_year_of_365_days() -> None:
    texts = [f"{n % 12 * 5} {n // 12 % 24} * * *" for n in range(JOBS)]
    house = House(*(cron(f"job-{n}", text, "Europe/Paris") for n, text in enumerate(texts)))
    house.clock = FakeClock(datetime(2026, 1, 1, tzinfo=UTC) - timedelta(hours=1), patience=1)
    scheduler = Scheduler(house.clock, house, guard_seconds=DAY, sign_seconds=DAY)
    started = time.perf_counter()
    await scheduler.start()
    await house.clock.advance(DAYS * DAY)
    await scheduler.stop()

    due_times: dict[JobId, int] = Counter(row.job_id for row in house.store.rows.values())
    assert {row.state for row in house.store.rows.values()} == {RunState.QUEUED}
    assert (len(due_times), set(due_times.values())) == (JOBS, {DAYS})
    assert time.perf_counter() - started < GENEROUS_SECONDS
