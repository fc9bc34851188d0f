"""What moved between two looks at the store, whichever process moved it."""

from datetime import UTC, datetime
from typing import Any

from nomaflow.domain.job import JobId
from nomaflow.domain.run import AttemptRun, NewRun, ProcessId, StepRun
from nomaflow.domain.states import RunState, StepState
from nomaflow.history.changes import AttemptBegun, RunEnded, StepsPlanned
from nomaflow.history.database import Database
from nomaflow.history.looks import OVERLAP, Looks
from nomaflow.history.runs import RunHistory
from nomaflow.queue.run_queue import RunQueue

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
JOB, OTHER = JobId("job"), JobId("other")
SKIPPED = NewRun(OTHER, "cron", state=RunState.SKIPPED, reason="overlap")


async def test_new_runs_and_moves_are_seen_once(database: Database, clock: Any) -> None:
    looks, queue = Looks(database), RunQueue(database, clock)
    old = await queue.enqueue(NewRun(JOB, "user:ann"), overlap="allow")
    first = await looks.look()
    (new,) = await RunHistory(database, clock).insert([SKIPPED])
    second = await looks.look(first)
    await queue.claim(ProcessId("one"), 1)
    third = await looks.look(second)

    assert second.runs_moved_since(first) == {new}
    assert third.runs_moved_since(second) == {old}
    assert (await looks.look(third)).runs_moved_since(third) == set()


async def test_a_run_that_ends_is_seen_however_many_newer_ones_there_are(
    database: Database, clock: Any
) -> None:
    looks, queue, history = Looks(database), RunQueue(database, clock), RunHistory(database, clock)
    await queue.enqueue(NewRun(JOB, "user:ann"), overlap="allow")
    (run,) = await queue.claim(ProcessId("one"), 1)
    await history.insert([SKIPPED] * (OVERLAP + 10))
    before = await looks.look()
    await history.write(run.fence, RunEnded(RunState.SUCCEEDED, None, NOON))
    after = await looks.look(before)

    assert after.runs_moved_since(before) == {run.id}
    assert [found.state for found in await looks.runs({run.id})] == [RunState.SUCCEEDED]


async def test_steps_are_seen_when_they_begin_and_when_their_run_ends_at_once(
    database: Database, clock: Any
) -> None:
    looks, queue, history = Looks(database), RunQueue(database, clock), RunHistory(database, clock)
    before = await looks.look()
    await queue.enqueue(NewRun(JOB, "user:ann"), overlap="allow")
    (run,) = await queue.claim(ProcessId("one"), 1)
    steps = [StepRun(run.id, i, f"step-{i}", "sql_query", StepState.PENDING) for i in (0, 1)]
    trial = AttemptRun(run.id, 1, 1, StepState.RUNNING, NOON)
    await history.write(run.fence, StepsPlanned(steps), AttemptBegun(trial))
    begun = await looks.look(before)
    await history.write(run.fence, RunEnded(RunState.FAILED, "why", NOON))
    ended = await looks.look(begun)

    assert begun.steps_moved_since(before) == {(run.id, 1)}
    assert [step.name for step in await looks.steps({(run.id, 1)})] == ["step-1"]
    assert ended.steps_moved_since(begun) == set()
    assert ended.runs_moved_since(begun) == {run.id}
