"""Runs that a step of a process called: claimed by their ids, beside the slots."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.integration.history.history_builders import Desk, by_hand

from nomaflow.domain.job import JobId
from nomaflow.domain.run import ProcessId, RunId
from nomaflow.queue.limits import Limits
from nomaflow.queue.run_queue import RunQueue

ONE, TWO = ProcessId("one"), ProcessId("two")
CALLER = JobId("caller")
LIMITS = Limits(
    {"erp": 1, "mail": 1}, {"caller": ["erp"], "called": ["erp", "mail"], "mailer": ["mail"]}
)


@pytest.fixture
def queue(desk: Desk) -> RunQueue:
    return RunQueue(desk.database, desk.clock, limits=lambda: LIMITS)


async def called(desk: Desk, job: str = "called", owner: ProcessId = ONE) -> RunId:
    return await desk.queued(by_hand(job, reserved_for=owner))


async def claimed(queue: RunQueue, *run_ids: RunId, owner: ProcessId = ONE) -> list[RunId]:
    wanted = dict.fromkeys(run_ids, (CALLER,))
    return [run.id for run in await queue.claim_called(owner, wanted)]


async def test_a_called_run_is_claimed_by_its_process_alone_and_once(
    desk: Desk, queue: RunQueue
) -> None:
    run_id = await called(desk)
    assert await claimed(queue, run_id, owner=TWO) == []
    assert await claimed(queue, run_id) == [run_id]
    assert await claimed(queue, run_id) == []


async def test_it_needs_no_slot_of_a_limit_that_its_caller_has_but_of_the_others(
    desk: Desk, queue: RunQueue
) -> None:
    caller = await desk.queued(by_hand("caller"))
    assert [run.id for run in await queue.claim(ONE, 1)] == [caller]
    mailer = await desk.queued(by_hand("mailer"))
    first, second = await called(desk), await called(desk)
    assert [run.id for run in await queue.claim(TWO, 10)] == [mailer]
    assert await claimed(queue, first, second) == []
    mail_free = RunQueue(
        desk.database, desk.clock, limits=lambda: replace(LIMITS, slots={"erp": 1, "mail": 2})
    )
    assert await claimed(mail_free, first, second) == [first]


async def test_one_that_waits_for_a_retry_or_its_turn_is_not_claimed_before(
    desk: Desk, queue: RunQueue
) -> None:
    run_id = await called(desk, "plain")
    (run,) = await queue.claim_called(ONE, {run_id: ()})
    later = await desk.queue.enqueue(by_hand("plain", reserved_for=ONE), overlap="queue")
    assert later is not None
    assert await claimed(queue, later) == []
    assert await queue.requeue(run.fence, desk.clock.now() + timedelta(hours=1))
    assert await claimed(queue, run_id, later) == []
    desk.clock.step(3600)
    assert await claimed(queue, run_id, later) == [run_id]
