"""Runs that wait for their turn: one after the other, whoever claims."""

from datetime import timedelta

from tests.integration.history.history_builders import MIDNIGHT, Desk, due

from nomaflow.domain.run import ProcessId, Run
from nomaflow.domain.states import RunState

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
