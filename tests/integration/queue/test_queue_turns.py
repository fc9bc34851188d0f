"""Runs that wait for their turn: one after the other, whoever claims."""

from datetime import timedelta

import pytest
from tests.integration.history.history_builders import MIDNIGHT, Desk, by_hand, due

from nomaflow.domain.run import ProcessId, Run
from nomaflow.domain.states import RunState
from nomaflow.errors import JobBusy

ONE, TWO = ProcessId("one"), ProcessId("two")


async def ended(desk: Desk, run: Run, state: RunState = RunState.SUCCEEDED) -> None:
    assert await desk.finish(run.fence, state)


async def test_caught_up_due_times_run_one_after_the_other(desk: Desk) -> None:
    instants = [MIDNIGHT + timedelta(minutes=minute) for minute in range(3)]
    new = [(due(at=at, waits_turn=True), "skip") for at in instants]
    ids = await desk.queue.enqueue_due(new, {})
    claimed = []
    for owner in (ONE, TWO, ONE):
        [run] = await desk.queue.claim(owner, 5)
        assert await desk.queue.claim(TWO, 5) == []
        claimed.append(run.id)
        await ended(desk, run)
    assert claimed == ids


async def test_a_job_that_may_overlap_catches_up_at_once(desk: Desk) -> None:
    instants = [MIDNIGHT + timedelta(minutes=minute) for minute in range(3)]
    await desk.queue.enqueue_due([(due(at=at, waits_turn=True), "allow") for at in instants], {})
    assert len(await desk.queue.claim(ONE, 5)) == 3


async def test_overlap_queue_lets_one_wait_and_no_more(desk: Desk) -> None:
    running = await desk.claimed()
    instants = [MIDNIGHT + timedelta(minutes=minute) for minute in range(2)]
    waiting, skipped = await desk.queue.enqueue_due([(due(at=at), "queue") for at in instants], {})
    assert await desk.queue.claim(TWO, 5) == []
    told = await desk.history.get(skipped)
    assert (told.state, told.reason) == (
        RunState.SKIPPED,
        f"overlap: run {waiting} waits already",
    )
    with pytest.raises(JobBusy):
        await desk.queue.enqueue(by_hand(), overlap="queue")
    await ended(desk, running, RunState.FAILED)
    assert [run.id for run in await desk.queue.claim(TWO, 5)] == [waiting]


async def test_a_run_by_hand_may_be_the_one_that_waits(desk: Desk) -> None:
    running = await desk.claimed()
    waiting = await desk.queue.enqueue(by_hand(), overlap="queue")
    assert await desk.queue.claim(TWO, 5) == []
    await ended(desk, running)
    assert [run.id for run in await desk.queue.claim(TWO, 5)] == [waiting]


async def test_overlap_replace_cancels_the_run_in_flight_and_starts_after_its_end(
    desk: Desk,
) -> None:
    running = await desk.claimed()
    [instead] = await desk.queue.enqueue_due([(due(), "replace")], {})
    by = f"run {instead}, which replaces it"
    assert await desk.queue.cancel_requests(ONE) == [(running.id, by)]
    assert await desk.queue.claim(TWO, 5) == []
    await ended(desk, running, RunState.CANCELED)
    assert [run.id for run in await desk.queue.claim(TWO, 5)] == [instead]


async def test_overlap_replace_ends_a_run_that_has_not_begun_at_once(desk: Desk) -> None:
    instants = [MIDNIGHT + timedelta(minutes=minute) for minute in range(3)]
    *replaced, final = await desk.queue.enqueue_due(
        [(due(at=at), "replace") for at in instants], {}
    )
    told = [await desk.history.get(run_id) for run_id in replaced]
    assert [(run.state, run.reason) for run in told] == [
        (RunState.CANCELED, f"cancelled by run {run_id}, which replaces it")
        for run_id in (replaced[1], final)
    ]
    assert [run.id for run in await desk.queue.claim(TWO, 5)] == [final]


async def test_a_due_time_that_has_its_row_replaces_nobody(desk: Desk) -> None:
    await desk.queue.enqueue_due([(due(), "replace")], {})
    [running] = await desk.queue.claim(ONE, 1)
    assert await desk.queue.enqueue_due([(due(), "replace")], {}) == []
    assert (await desk.history.get(running.id)).cancel_requested_at is None


async def test_who_does_not_stay_claims_only_what_is_reserved_for_it(desk: Desk) -> None:
    await desk.queued()
    reserved = await desk.queued(by_hand("other", reserved_for=ONE))
    assert [run.id for run in await desk.queue.claim(ONE, 5, takes_any=False)] == [reserved]
