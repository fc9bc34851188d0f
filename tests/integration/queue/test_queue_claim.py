"""What gets out of the queue: claimed once, ended once, cancelled at any moment."""

import asyncio
from datetime import timedelta

import pytest
from tests.integration.history.history_builders import Desk, by_hand, due

from nomaflow.domain.run import Fence, ProcessId, Run, RunId
from nomaflow.domain.states import RunState, StepState
from nomaflow.errors import NotFound, Refused
from nomaflow.history.database import Database
from nomaflow.queue.run_queue import RunQueue

ONE = ProcessId("one")
TWO = ProcessId("two")


async def test_a_claim_takes_the_oldest_and_makes_them_running(desk: Desk) -> None:
    ids = [await desk.queued() for _ in range(3)]
    claimed = await desk.queue.claim(ONE, 2)
    assert [run.id for run in claimed] == ids[:2]
    for run in claimed:
        assert (run.state, run.owner, run.attempt) == (RunState.RUNNING, ONE, 1)
        assert run.started_at == desk.clock.now()
        assert await desk.history.get(run.id) == run
    assert [run.id for run in await desk.queue.claim(TWO, 2)] == ids[2:]
    assert await desk.queue.claim(TWO, 2) == []


async def test_a_reserved_run_is_claimed_by_its_process_alone(desk: Desk) -> None:
    run_id = await desk.queued(by_hand(reserved_for=ONE))
    assert await desk.queue.claim(TWO, 5) == []
    assert [run.id for run in await desk.queue.claim(ONE, 5)] == [run_id]


async def test_a_requeued_run_waits_for_its_instant_and_keeps_its_start(desk: Desk) -> None:
    run = await desk.claimed()
    not_before = desk.clock.now() + timedelta(minutes=5)
    assert await desk.queue.requeue(run.fence, not_before)
    waiting = await desk.history.get(run.id)
    assert (waiting.state, waiting.owner, waiting.not_before) == (RunState.QUEUED, None, not_before)
    assert await desk.queue.claim(TWO, 1) == []
    desk.clock.step(300)
    [again] = await desk.queue.claim(TWO, 1)
    assert (again.attempt, again.owner, again.not_before) == (2, TWO, None)
    assert again.started_at == run.started_at


async def test_a_run_ends_once_and_only_by_who_holds_it(desk: Desk) -> None:
    run = await desk.claimed()
    assert not await desk.finish(Fence(run.id, 7), RunState.FAILED, "not mine")
    assert await desk.finish(run.fence, RunState.SUCCEEDED, None)
    assert not await desk.finish(run.fence, RunState.FAILED, "too late")
    assert not await desk.queue.requeue(run.fence, desk.clock.now())
    ended = await desk.history.get(run.id)
    assert (ended.state, ended.reason, ended.finished_at) == (
        RunState.SUCCEEDED,
        None,
        desk.clock.now(),
    )


@pytest.mark.parametrize("state", [RunState.SKIPPED, RunState.MISSED, RunState.RUNNING])
async def test_a_run_does_not_end_in_a_state_that_it_may_not_reach(
    desk: Desk, state: RunState
) -> None:
    run = await desk.claimed()
    assert not await desk.finish(run.fence, state, None)
    assert (await desk.history.get(run.id)).state is RunState.RUNNING


async def test_cancelling_a_queued_run_ends_it_at_once(desk: Desk) -> None:
    run = await desk.queue.request_cancel(await desk.queued(), "user:anna")
    assert (run.state, run.reason) == (RunState.CANCELED, "cancelled by user:anna")
    assert run.finished_at == run.cancel_requested_at == desk.clock.now()
    assert await desk.queue.claim(ONE, 1) == []


async def test_cancelling_a_running_run_tells_its_owner(desk: Desk) -> None:
    run = await desk.claimed()
    asked = await desk.queue.request_cancel(run.id, "user:anna")
    assert (asked.state, asked.cancel_requested_by) == (RunState.RUNNING, "user:anna")
    assert await desk.queue.cancel_requests(ONE) == [(run.id, "user:anna")]
    assert await desk.queue.cancel_requests(TWO) == []
    assert await desk.finish(run.fence, RunState.CANCELED, "cancelled by user:anna")
    assert await desk.queue.cancel_requests(ONE) == []


async def test_the_first_of_two_requests_counts(desk: Desk) -> None:
    run = await desk.claimed()
    first = await desk.queue.request_cancel(run.id, "user:anna")
    desk.clock.step(5)
    assert await desk.queue.request_cancel(run.id, "user:bert") == first


async def test_an_accepted_cancel_is_kept_although_the_work_was_done(desk: Desk) -> None:
    run = await desk.claimed()
    await desk.queue.request_cancel(run.id, "user:anna")
    assert not await desk.finish(run.fence, RunState.SUCCEEDED, None)
    assert await desk.finish(run.fence, RunState.CANCELED, "cancelled by user:anna")


async def test_a_run_that_waits_for_a_retry_is_cancelled_with_its_steps(desk: Desk) -> None:
    run, _, _ = await desk.begun()
    await desk.queue.requeue(run.fence, desk.clock.now() + timedelta(hours=1))
    await desk.queue.request_cancel(run.id, "user:anna")
    told = {(step.state, step.reason) for step in await desk.history.steps(run.id)}
    assert told == {(StepState.CANCELED, "cancelled by user:anna")}


async def test_a_run_whose_cancel_was_accepted_is_not_queued_again(desk: Desk) -> None:
    run, _ = await desk.planned()
    await desk.queue.request_cancel(run.id, "user:anna")
    assert await desk.queue.requeue(run.fence, desk.clock.now() + timedelta(hours=1))
    ended = await desk.history.get(run.id)
    assert (ended.state, ended.reason) == (RunState.CANCELED, "cancelled by user:anna")
    assert ended.not_before is None
    assert {step.state for step in await desk.history.steps(run.id)} == {StepState.CANCELED}


async def test_cancelling_what_has_ended_is_refused_with_its_state(desk: Desk) -> None:
    run = await desk.ended(RunState.FAILED)
    with pytest.raises(Refused, match=f"Run {run.id} has ended already: it is FAILED"):
        await desk.queue.request_cancel(run.id, "user:anna")
    with pytest.raises(NotFound, match="There is no run 99"):
        await desk.queue.request_cancel(RunId(99), "user:anna")


async def test_a_claim_that_is_made_while_a_run_is_written_takes_it(desk: Desk) -> None:
    queue, claims = desk.queue, list[asyncio.Task[list[Run]]]()
    forget = queue.listen(lambda: claims.append(asyncio.create_task(queue.claim(ONE, 1))))
    by_hand_id = await queue.enqueue(by_hand(), overlap="allow")
    await queue.enqueue_due([(due(), "allow")], {})
    forget()
    await queue.enqueue(by_hand(), overlap="allow")
    first, second = [run for claim in claims for run in await claim]
    assert (first.id, second.scheduled_at) == (by_hand_id, due().scheduled_at)


async def test_a_queue_stays_empty_only_until_anybody_writes(desk: Desk, store_url: str) -> None:
    queue, knows = desk.queue, store_url.startswith("sqlite")
    other = Database.open(store_url)
    elsewhere = RunQueue(other, desk.clock)
    assert not queue.is_still_empty()
    assert await queue.claim(ONE, 1) == []
    assert queue.is_still_empty() is knows
    await elsewhere.enqueue(by_hand(), overlap="allow")
    assert not queue.is_still_empty()
    [run] = await queue.claim(ONE, 1)
    await queue.requeue(run.fence, desk.clock.now() + timedelta(minutes=5))
    assert await queue.claim(ONE, 1) == []
    assert not queue.is_still_empty()
    await elsewhere.request_cancel(run.id, "user:anna")
    assert await queue.claim(ONE, 1) == []
    assert queue.is_still_empty() is knows
    await other.close()


async def test_claim_and_cancel_never_both_win(desk: Desk, store_url: str) -> None:
    other = Database.open(store_url)
    elsewhere = RunQueue(other, desk.clock)
    ids = await desk.history.insert([by_hand()] * 60)

    async def claim_all() -> set[int]:
        claimed = set()
        while runs := await elsewhere.claim(ONE, 1):
            claimed.add(runs[0].id)
        return claimed

    async def cancel_all() -> dict[int, RunState]:
        asked = [await desk.queue.request_cancel(each, "user:anna") for each in ids if each]
        return {run.id: run.state for run in reversed(asked)}

    claimed, cancelled = await asyncio.gather(claim_all(), cancel_all())
    assert claimed == {run_id for run_id, state in cancelled.items() if state is RunState.RUNNING}
    for run_id, state in cancelled.items():
        run = await desk.history.get(RunId(run_id))
        assert (run.state, run.attempt) == (state, int(state is RunState.RUNNING))
    await other.close()
