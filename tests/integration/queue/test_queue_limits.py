"""Limits shared by jobs, whoever claims."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.integration.history.history_builders import Desk, by_hand

from nomaflow.domain.run import ProcessId, RunId
from nomaflow.domain.states import RunState
from nomaflow.history.database import Database
from nomaflow.history.processes import ProcessRegistry
from nomaflow.queue.limits import Limits
from nomaflow.queue.run_queue import RunQueue

ONE, TWO = ProcessId("one"), ProcessId("two")
LIMITS = Limits({"erp": 2, "mail": 1}, {"orders": ["erp"], "stock": ["erp", "mail"]})


@pytest.fixture
async def queues(desk: Desk, store_url: str) -> AsyncIterator[list[RunQueue]]:
    """Two processes' queues on one store."""
    databases = [Database.open(store_url) for _ in range(2)]
    yield [RunQueue(database, desk.clock, limits=lambda: LIMITS) for database in databases]
    for database in databases:
        await database.close()


async def queued(desk: Desk, *jobs: str) -> list[RunId]:
    return [await desk.queued(by_hand(job)) for job in jobs]


async def claimed(queue: RunQueue, owner: ProcessId, limit: int = 10) -> list[RunId]:
    return [run.id for run in await queue.claim(owner, limit)]


async def test_no_more_runs_are_claimed_than_a_limit_has_slots_in_all_processes(
    desk: Desk, queues: list[RunQueue]
) -> None:
    here, there = queues
    orders, stock, more, free = await queued(desk, "orders", "stock", "orders", "free")
    assert await claimed(here, ONE, 1) == [orders]
    assert await claimed(there, TWO) == [stock, free]
    assert await claimed(here, ONE) == []
    run = await desk.history.get(orders)
    assert await desk.finish(run.fence, RunState.SUCCEEDED)
    assert await claimed(there, TWO) == [more]


async def test_a_run_needs_a_slot_of_each_of_its_limits(desk: Desk, queues: list[RunQueue]) -> None:
    first, _, orders = await queued(desk, "stock", "stock", "orders")
    assert await claimed(queues[0], ONE) == [first, orders]


async def test_a_long_line_for_a_full_limit_does_not_hold_up_other_jobs(
    desk: Desk, queues: list[RunQueue]
) -> None:
    waiting = await queued(desk, *["orders"] * 30)
    free = await queued(desk, "free", "free", "free")
    assert await claimed(queues[0], ONE, 4) == [*waiting[:2], *free[:2]]
    assert await claimed(queues[0], ONE, 4) == [free[2]]


async def test_the_slot_of_a_dead_run_comes_free(desk: Desk, queues: list[RunQueue]) -> None:
    first, second, third = await queued(desk, "orders", "orders", "orders")
    assert await claimed(queues[0], ONE) == [first, second]
    await ProcessRegistry(desk.database, desk.clock).rescue([ONE])
    assert await claimed(queues[1], TWO) == [third]


async def test_a_run_that_waits_for_a_retry_gives_its_slot_back(
    desk: Desk, queues: list[RunQueue]
) -> None:
    stock, other = await queued(desk, "stock", "stock")
    [run] = await queues[0].claim(ONE, 1)
    assert await desk.queue.requeue(run.fence, desk.clock.now() + timedelta(hours=1))
    assert await claimed(queues[1], TWO) == [other]
    desk.clock.step(3600)
    assert await claimed(queues[0], ONE) == []
    assert run.id == stock
