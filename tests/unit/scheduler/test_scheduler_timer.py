"""The timer: keys come out when they are due, whatever the wall clock does."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from tests.fakes import FakeClock

from nomaflow.scheduler.timer import Timer

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Bell:
    """Notes which keys the timer hands out together, when, and by how much the clock stepped."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOON, patience=5)
        self.rung: list[tuple[float, list[str]]] = []
        self.steps: list[float] = []
        self.timer: Timer[str] = Timer(self.clock, on_due=self._due, on_step=self._step)

    async def _due(self, keys: Sequence[str]) -> None:
        self.rung.append((self.clock.steady(), list(keys)))

    async def _step(self, by: timedelta) -> None:
        self.steps.append(by.total_seconds())

    def arm(self, key: str, seconds: float) -> None:
        self.timer.arm(key, NOON + timedelta(seconds=seconds))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.timer.run())
        yield
        task.cancel()
        await asyncio.wait([task])


async def test_keys_come_out_in_order_each_at_its_due_time() -> None:
    bell = Bell()
    for key, seconds in [("late", 7.5), ("early", 2.25), ("early too", 2.25)]:
        bell.arm(key, seconds)
    async with bell.running():
        await bell.clock.advance(10)
    assert bell.rung == [(2.25, ["early", "early too"]), (7.5, ["late"])]


async def test_a_key_rings_at_what_was_set_last() -> None:
    bell = Bell()
    bell.arm("moved", 2)
    bell.arm("moved", 5)
    bell.arm("gone", 3)
    bell.timer.disarm("gone")
    async with bell.running():
        await bell.clock.advance(10)
    assert bell.rung == [(5.0, ["moved"])]


async def test_a_key_that_is_armed_while_the_timer_sleeps_is_seen_within_a_second() -> None:
    bell = Bell()
    bell.arm("far", 3600)
    async with bell.running():
        await bell.clock.advance(1.5)
        bell.arm("near", 1.6)
        await bell.clock.advance(1)
    assert bell.rung == [(2.0, ["near"])]


async def test_a_key_armed_twice_for_the_same_instant_rings_once() -> None:
    bell = Bell()
    bell.arm("twice", 2)
    bell.arm("twice", 2)
    async with bell.running():
        await bell.clock.advance(5)
    assert bell.rung == [(2.0, ["twice"])]


async def test_a_step_of_the_wall_clock_is_told_but_time_that_passes_is_not() -> None:
    bell = Bell()
    async with bell.running():
        await bell.clock.advance(60)
        bell.clock.suspend(7200)
        await bell.clock.advance(60)
        assert bell.steps == []
        bell.clock.step(-3600)
        await bell.clock.advance(2)
        bell.clock.step(3600)
        await bell.clock.advance(2)
    assert bell.steps == [-3600.0, 3600.0]


async def test_after_a_suspend_what_is_due_rings_at_once() -> None:
    bell = Bell()
    bell.arm("slept over", 600)
    async with bell.running():
        bell.clock.suspend(3600)
        await bell.clock.advance(1)
    assert bell.rung == [(3600.0, ["slept over"])]
