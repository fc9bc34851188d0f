"""The reconciler: a job that should fire and is not armed raises an alarm, and only that."""

from datetime import datetime, timedelta

import pytest
from tests.builders import a_job
from tests.fakes import FakeClock

from nomaflow.domain.job import Job, JobId
from nomaflow.maintenance.reconciler import Reconciler

NIGHTLY, HOURLY = JobId("nightly"), JobId("hourly")
HOUR = timedelta(hours=1)


class Schedules:
    """What is armed, and which schedules go on."""

    def __init__(self, clock: FakeClock) -> None:
        self.jobs = [a_job(id=NIGHTLY), a_job(id=HOURLY)]
        self.armed: dict[JobId, datetime] = {job.id: clock.now() + HOUR for job in self.jobs}
        self.goes_on = {NIGHTLY, HOURLY}
        self.asked: list[JobId] = []

    def expected(self, job: Job, after: datetime) -> datetime | None:
        self.asked.append(job.id)
        return after + HOUR if job.id in self.goes_on else None


@pytest.fixture
def schedules(clock: FakeClock) -> Schedules:
    return Schedules(clock)


@pytest.fixture
def reconciler(clock: FakeClock, schedules: Schedules) -> Reconciler:
    return Reconciler(
        clock, lambda: schedules.jobs, lambda job: schedules.armed.get(job), schedules.expected
    )


async def looks(reconciler: Reconciler, clock: FakeClock, minutes: int) -> None:
    for _ in range(minutes):
        await reconciler.look()
        await clock.advance(60)


async def test_jobs_that_are_armed_raise_no_alarm_and_cost_nothing(
    clock: FakeClock, schedules: Schedules, reconciler: Reconciler
) -> None:
    await looks(reconciler, clock, 10)
    assert reconciler.alarm(NIGHTLY) is None
    assert schedules.asked == []


async def test_a_job_that_is_not_armed_for_two_minutes_raises_an_alarm(
    clock: FakeClock, schedules: Schedules, reconciler: Reconciler
) -> None:
    del schedules.armed[NIGHTLY]
    await looks(reconciler, clock, 2)
    assert reconciler.alarm(NIGHTLY) is None
    await looks(reconciler, clock, 1)
    assert "is not armed" in str(reconciler.alarm(NIGHTLY))
    assert reconciler.alarm(HOURLY) is None


async def test_a_due_time_that_passed_long_ago_raises_an_alarm_too(
    clock: FakeClock, schedules: Schedules, reconciler: Reconciler
) -> None:
    schedules.armed[NIGHTLY] = clock.now() - timedelta(minutes=3)
    await looks(reconciler, clock, 3)
    assert "did not fire at" in str(reconciler.alarm(NIGHTLY))


async def test_an_alarm_ends_when_the_job_is_armed_again(
    clock: FakeClock, schedules: Schedules, reconciler: Reconciler
) -> None:
    del schedules.armed[NIGHTLY]
    await looks(reconciler, clock, 3)
    schedules.armed[NIGHTLY] = clock.now() + HOUR
    await looks(reconciler, clock, 1)
    assert reconciler.alarm(NIGHTLY) is None


async def test_a_short_silence_raises_none_however_often_it_comes(
    clock: FakeClock, schedules: Schedules, reconciler: Reconciler
) -> None:
    for _ in range(5):
        due = schedules.armed.pop(NIGHTLY, None)
        await looks(reconciler, clock, 1)
        schedules.armed[NIGHTLY] = due or clock.now() + HOUR
        await looks(reconciler, clock, 1)
    assert reconciler.alarm(NIGHTLY) is None


async def test_a_job_whose_schedule_has_ended_is_not_expected_to_be_armed(
    clock: FakeClock, schedules: Schedules, reconciler: Reconciler
) -> None:
    del schedules.armed[NIGHTLY]
    schedules.goes_on.remove(NIGHTLY)
    await looks(reconciler, clock, 5)
    assert reconciler.alarm(NIGHTLY) is None


async def test_the_alarm_of_a_job_that_was_removed_ends(
    clock: FakeClock, schedules: Schedules, reconciler: Reconciler
) -> None:
    del schedules.armed[NIGHTLY]
    await looks(reconciler, clock, 3)
    schedules.jobs = schedules.jobs[1:]
    await looks(reconciler, clock, 1)
    assert reconciler.alarm(NIGHTLY) is None
