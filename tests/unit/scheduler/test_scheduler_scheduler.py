"""The scheduler under a clock that the test moves by hand."""

from datetime import datetime, timedelta

import pytest
from tests.unit.scheduler.house import NOON, House, cron

from nomaflow.domain.job import JobId
from nomaflow.domain.run import INTERVAL, SCHEDULE
from nomaflow.domain.states import RunState
from nomaflow.scheduler.plan import ScheduleEntry
from nomaflow.triggers.interval import IntervalTrigger


async def test_a_job_fires_at_each_of_its_due_times() -> None:
    house = House(cron("quarterly", "*/15 * * * *"))
    async with house.scheduler() as scheduler:
        await house.clock.advance(1800)
        assert house.store.due_times("quarterly") == ["12:15:00", "12:30:00"]
        assert scheduler.next_due(JobId("quarterly")) == NOON + timedelta(minutes=45)


async def test_a_new_job_starts_after_now_and_its_downtime_counts_from_the_first_day() -> None:
    house = House(cron("hourly", "30 * * * *"))
    async with house.scheduler():
        await house.clock.advance(60)
    house.clock.step(3600)
    async with house.scheduler():
        assert house.store.due_times("hourly", RunState.MISSED) == ["12:30:00"]
        assert house.store.due_times("hourly") == []


async def test_what_passed_while_the_service_was_down_leaves_rows_with_the_reason() -> None:
    house = House(cron("often", "*/5 * * * *"))
    house.store.last_cursors[house.jobs[0].key] = NOON - timedelta(minutes=16)
    house.store.looked_at = NOON - timedelta(minutes=15, seconds=30)
    async with house.scheduler():
        assert house.store.due_times("often", RunState.MISSED) == [
            "11:45:00",
            "11:50:00",
            "11:55:00",
        ]
        assert house.store.due_times("often") == ["12:00:00"]
        reasons = {row.reason for row in house.store.rows.values()}
        assert reasons == {"service down 11:44–12:00", None}


async def test_a_thousand_jobs_due_in_one_second_are_one_batch() -> None:
    house = House(*(cron(f"job-{n}", "1 12 * * *") for n in range(1000)))
    async with house.scheduler():
        house.store.batches.clear()
        await house.clock.advance(60)
        assert house.store.batches == [1000]


async def test_a_clock_set_back_an_hour_neither_silences_nor_doubles_a_job() -> None:
    house = House(cron("often", "*/10 * * * *"))
    async with house.scheduler() as scheduler:
        await house.clock.advance(600)
        house.clock.step(-3600)
        await house.clock.advance(5)
        assert scheduler.next_due(JobId("often")) == NOON - timedelta(minutes=40)
        await house.clock.advance(5400)
    times = house.store.due_times("often")
    assert sorted(times) == sorted(set(times))
    assert "11:30:00" in times
    assert "12:40:00" in times


async def test_a_clock_set_forward_an_hour_leaves_a_row_for_each_due_time_in_between() -> None:
    house = House(cron("often", "*/10 * * * *"))
    async with house.scheduler() as scheduler:
        await house.clock.advance(30)
        house.clock.step(3600)
        await house.clock.advance(5)
        assert house.store.due_times("often", RunState.MISSED)[0] == "12:10:00"
        assert house.store.due_times("often") == ["13:00:00"]
        assert scheduler.next_due(JobId("often")) == NOON + timedelta(minutes=70)


async def test_after_a_suspend_late_due_times_count_as_missed_and_the_next_one_fires() -> None:
    house = House(cron("often", "*/10 * * * *"))
    async with house.scheduler():
        await house.clock.advance(30)
        house.clock.suspend(1800)
        await house.clock.advance(5)
        assert house.store.due_times("often", RunState.MISSED) == ["12:10:00", "12:20:00"]
        assert house.store.due_times("often") == ["12:30:00"]


async def test_while_the_store_is_down_nothing_is_lost() -> None:
    house = House(cron("often", "*/10 * * * *"))
    async with house.scheduler():
        house.store.is_down = True
        await house.clock.advance(630)
        house.store.is_down = False
        await house.clock.advance(5)
        assert house.store.due_times("often") == ["12:10:00"]
        house.store.is_down = True
        await house.clock.advance(1200)
        house.store.is_down = False
        await house.clock.advance(5)
    assert house.store.due_times("often", RunState.MISSED) == ["12:20:00"]
    assert house.store.due_times("often") == ["12:10:00", "12:30:00"]


class BrokenTrigger:
    def next_after(self, instant: datetime) -> datetime | None:
        raise ZeroDivisionError("broken on purpose")

    def words(self) -> dict[str, str]:
        return {}


class SpentTrigger:
    def next_after(self, instant: datetime) -> datetime | None:
        return None

    def words(self) -> dict[str, str]:
        return {}


@pytest.mark.parametrize("trigger", [BrokenTrigger(), SpentTrigger()])
async def test_a_broken_schedule_suspends_that_job_alone(
    trigger: BrokenTrigger | SpentTrigger,
) -> None:
    broken = ScheduleEntry(JobId("broken"), SCHEDULE, trigger)
    house = House(broken, cron("healthy", "* * * * *"))
    async with house.scheduler() as scheduler:
        await house.clock.advance(60)
        assert house.store.due_times("healthy") == ["12:01:00"]
        assert scheduler.next_due(JobId("broken")) is None
        assert list(scheduler.suspended) == [broken.key]


async def test_a_changed_schedule_counts_from_the_change() -> None:
    house = House(cron("moved", "30 12 * * *"), cron("kept", "*/30 * * * *"))
    async with house.scheduler() as scheduler:
        await house.clock.advance(3000)
        house.jobs = [cron("moved", "40 12,13 * * *"), house.jobs[1]]
        await scheduler.reload()
        assert scheduler.next_due(JobId("moved")) == NOON + timedelta(minutes=100)
        await house.clock.advance(900)
    assert house.store.due_times("moved") == ["12:30:00"]
    assert house.store.due_times("kept") == ["12:30:00", "13:00:00"]


async def test_times_that_passed_while_a_job_was_disabled_are_never_caught_up() -> None:
    often = cron("often", "*/10 * * * *")
    house = House(often)
    async with house.scheduler() as scheduler:
        await house.clock.advance(660)
        house.jobs = []
        await scheduler.reload()
        assert scheduler.next_due(JobId("often")) is None
        await house.clock.advance(1800)
        house.jobs = [often]
        await scheduler.reload()
        await house.clock.advance(600)
    assert [row.state for row in house.store.rows.values()] == [RunState.QUEUED] * 2
    assert house.store.due_times("often") == ["12:10:00", "12:50:00"]


async def test_an_interval_does_not_shift_with_a_restart() -> None:
    every = ScheduleEntry(JobId("every"), INTERVAL, IntervalTrigger.parse("25m"))
    house = House(every)
    async with house.scheduler() as scheduler:
        first = scheduler.next_due(JobId("every"))
    await house.clock.advance(120)
    async with house.scheduler() as scheduler:
        assert scheduler.next_due(JobId("every")) == first


async def test_the_last_sign_of_life_outlives_the_service() -> None:
    house = House(cron("often", "*/10 * * * *"))
    async with house.scheduler():
        await house.clock.advance(7)
    house.clock.step(1500)
    async with house.scheduler():
        pass
    assert [row.reason for row in house.store.rows.values()] == ["service down 12:00–12:25"] * 2


async def test_a_job_that_a_service_saw_disabled_counts_from_when_it_is_enabled_again() -> None:
    often = cron("often", "*/10 * * * *")
    house = House(often)
    async with house.scheduler():
        await house.clock.advance(660)
    for jobs in ([], [often]):
        house.clock.step(3600)
        house.jobs = jobs
        async with house.scheduler():
            await house.clock.advance(1)
    assert house.store.due_times("often", RunState.MISSED) == []


async def test_a_job_that_was_removed_and_came_back_by_reload_counts_from_its_return() -> None:
    often = cron("often", "*/10 * * * *")
    house = House(often)
    async with house.scheduler() as scheduler:
        await house.clock.advance(660)
        house.jobs = []
        await scheduler.reload()
    house.clock.step(3600)
    house.jobs = [often]
    async with house.scheduler():
        await house.clock.advance(600)
    assert house.store.due_times("often", RunState.MISSED) == []
    assert len(house.store.rows) == 2
