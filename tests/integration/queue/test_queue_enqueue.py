"""What gets into the queue: once per due time, and what overlap makes of it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.integration.history.history_builders import DAY, MIDNIGHT, Desk, by_hand, due

from nomaflow.domain.job import JobId
from nomaflow.domain.run import SCHEDULE, NewRun, ProcessId
from nomaflow.domain.states import RunState, StepState
from nomaflow.errors import JobBusy
from nomaflow.history.database import Database
from nomaflow.history.runs import RunFilter
from nomaflow.queue.run_queue import RunQueue

KEY = (JobId("nightly"), SCHEDULE)


async def _states(desk: Desk) -> list[tuple[RunState, str | None]]:
    """Oldest first."""
    page = await desk.history.page(RunFilter(limit=1000))
    return [(run.state, run.reason) for run in reversed(page.runs)]


async def test_a_run_by_hand_is_refused_while_the_job_is_busy_and_leaves_no_row(
    desk: Desk,
) -> None:
    running = await desk.claimed()
    with pytest.raises(JobBusy) as refused:
        await desk.queue.enqueue(by_hand(), overlap="skip")
    assert refused.value.run_id == running.id
    assert len(await _states(desk)) == 1


async def test_a_queued_run_makes_the_job_busy_too(desk: Desk) -> None:
    await desk.queued()
    with pytest.raises(JobBusy):
        await desk.queue.enqueue(by_hand(), overlap="skip")


async def test_an_ended_run_does_not_make_the_job_busy(desk: Desk) -> None:
    await desk.ended()
    assert await desk.queue.enqueue(by_hand(), overlap="skip") is not None


async def test_another_job_is_not_in_the_way(desk: Desk) -> None:
    await desk.claimed()
    assert await desk.queue.enqueue(by_hand("other"), overlap="skip") is not None


async def test_a_due_time_of_a_busy_job_leaves_a_skipped_row(desk: Desk) -> None:
    running = await desk.claimed()
    skipped = await desk.queue.enqueue(due(), overlap="skip")
    assert skipped is not None
    run = await desk.history.get(skipped)
    assert (run.state, run.reason) == (RunState.SKIPPED, f"overlap: run {running.id}")
    assert run.finished_at == desk.clock.now()


async def test_overlap_allow_lets_both_run(desk: Desk) -> None:
    await desk.claimed()
    for new in (by_hand(), due()):
        assert await desk.queue.enqueue(new, overlap="allow") is not None
    assert [state for state, _ in await _states(desk)] == [
        RunState.RUNNING,
        RunState.QUEUED,
        RunState.QUEUED,
    ]


async def test_a_due_time_that_has_its_row_is_not_queued_again(desk: Desk) -> None:
    assert await desk.queue.enqueue(due(), overlap="skip") is not None
    assert await desk.queue.enqueue(due(), overlap="skip") is None


async def test_due_times_and_cursors_are_written_together(desk: Desk) -> None:
    new = [(due(f"job{number}"), "skip") for number in range(1000)]
    cursors = {(run.job_id, SCHEDULE): MIDNIGHT for run, _ in new}
    ids = await desk.queue.enqueue_due(new, cursors)
    assert len(set(ids)) == 1000
    assert await desk.queue.cursors() == cursors
    assert await desk.queue.enqueue_due(new, cursors) == []
    assert len(await _states(desk)) == 1000


async def test_when_the_rows_fail_the_cursors_stay(desk: Desk) -> None:
    await desk.queue.enqueue_due([], {KEY: MIDNIGHT})
    bad = due(at=MIDNIGHT.replace(tzinfo=None))
    with pytest.raises(ValueError, match="needs a time zone"):
        await desk.queue.enqueue_due([(bad, "skip")], {KEY: MIDNIGHT + DAY})
    assert await desk.queue.cursors() == {KEY: MIDNIGHT}


async def test_a_cursor_never_goes_back(desk: Desk) -> None:
    for at in (MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT - DAY):
        await desk.queue.enqueue_due([], {KEY: at})
    assert await desk.queue.cursors() == {KEY: MIDNIGHT + DAY}
    await desk.queue.enqueue_due([], {})
    assert await desk.queue.cursors() == {KEY: MIDNIGHT + DAY}


async def test_several_due_times_of_one_job_see_each_other(desk: Desk) -> None:
    instants = [MIDNIGHT + timedelta(minutes=minute) for minute in range(3)]
    first, *rest = await desk.queue.enqueue_due([(due(at=at), "skip") for at in instants], {})
    assert len(rest) == 2
    assert await _states(desk) == [
        (RunState.QUEUED, None),
        (RunState.SKIPPED, f"overlap: run {first}"),
        (RunState.SKIPPED, f"overlap: run {first}"),
    ]


async def test_a_row_born_final_makes_nobody_busy_and_is_never_skipped(desk: Desk) -> None:
    missed = due(state=RunState.MISSED, reason="service down")
    later = due(at=MIDNIGHT + DAY)
    also_missed = due(at=MIDNIGHT + 2 * DAY, state=RunState.MISSED, reason="service down")
    await desk.queue.enqueue_due([(each, "skip") for each in (missed, later, also_missed)], {})
    assert [state for state, _ in await _states(desk)] == [
        RunState.MISSED,
        RunState.QUEUED,
        RunState.MISSED,
    ]


async def test_of_racing_starts_by_hand_one_gets_through(desk: Desk, store_url: str) -> None:
    databases = [Database.open(store_url) for _ in range(3)]
    queues = [RunQueue(database, desk.clock) for database in databases]

    async def start(queue: RunQueue, new: NewRun) -> bool:
        try:
            return await queue.enqueue(new, overlap="skip") is not None
        except JobBusy:
            return False

    for number in range(10):
        new = by_hand(f"job{number}")
        assert sum(await asyncio.gather(*(start(queue, new) for queue in queues))) == 1
    await asyncio.gather(*(database.close() for database in databases))


async def test_a_run_comes_with_the_steps_that_are_done_already(desk: Desk) -> None:
    old, steps = await desk.planned("load", "check")
    done = replace(
        steps[0],
        state=StepState.SUCCEEDED,
        attempts=1,
        output={"rows_affected": 3},
        finished_at=desk.clock.now(),
    )
    run_id = await desk.queue.enqueue(by_hand(), overlap="allow", steps=[done, steps[1]])
    assert run_id is not None
    [run] = await desk.queue.claim(ProcessId("two"), 1)
    opening = await desk.history.opening(run)

    assert run.id == run_id != old.id
    assert [step.state for step in opening.steps] == [StepState.SUCCEEDED, StepState.PENDING]
    assert opening.steps[0].output == {"rows_affected": 3}
    assert {step.run_id for step in opening.steps} == {run_id}


async def test_a_refused_run_leaves_no_steps_behind(desk: Desk) -> None:
    _, steps = await desk.planned()
    with pytest.raises(JobBusy):
        await desk.queue.enqueue(by_hand(), overlap="skip", steps=steps)
    assert len(await _states(desk)) == 1
