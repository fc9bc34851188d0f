"""Whatever the clock, the machine and the store do: no due time is lost, no schedule is silent."""

import asyncio
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.scheduler.house import NOON, House, cron

from nomaflow.domain.job import Misfire
from nomaflow.scheduler.plan import ScheduleEntry

MINUTE, HOUR = 60, 3600
Event = tuple[str, int]

events = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.sampled_from([7, 10 * MINUTE, 47 * MINUTE])),
        st.tuples(st.just("step"), st.sampled_from([HOUR, -HOUR, 5 * MINUTE, -5 * MINUTE])),
        st.tuples(st.just("suspend"), st.sampled_from([13, 30 * MINUTE, 2 * HOUR])),
        st.tuples(st.just("down"), st.sampled_from([20, 90 * MINUTE])),
        st.tuples(st.just("store away"), st.sampled_from([30, 25 * MINUTE])),
    ),
    max_size=7,
)


@settings(max_examples=40, deadline=None)
@given(events, st.sampled_from(["skip", "last", "all"]))
def test_every_due_time_up_to_now_has_its_one_row(happened: list[Event], misfire: Misfire) -> None:
    asyncio.run(live_through(happened, misfire))


async def live_through(happened: list[Event], misfire: Misfire) -> None:
    often = cron("often", "*/10 * * * *")
    entry = ScheduleEntry(often.job_id, often.trigger_id, often.trigger, misfire=misfire)
    house = House(entry)
    for kind, seconds in [*happened, ("pass", 11 * MINUTE)]:
        async with house.scheduler() as scheduler:
            await one(house, kind, seconds)
            await house.clock.advance(7)
            due = scheduler.next_due(entry.job_id)
            assert due is not None
            assert due <= house.clock.now() + timedelta(minutes=10)
        if kind == "down":
            house.clock.step(seconds)
    rows = sorted(at for _, at in house.store.rows)
    due_at, now = entry.trigger.next_after(NOON), house.clock.now()
    expected = []
    while due_at is not None and due_at <= now:
        expected.append(due_at)
        due_at = entry.trigger.next_after(due_at)
    assert set(expected) <= set(rows)


async def one(house: House, kind: str, seconds: int) -> None:
    if kind == "pass":
        await house.clock.advance(seconds)
    elif kind == "step":
        house.clock.step(seconds)
    elif kind == "suspend":
        house.clock.suspend(seconds)
    elif kind == "store away":
        house.store.is_down = True
        await house.clock.advance(seconds)
        house.store.is_down = False
