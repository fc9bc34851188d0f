"""The newest runs of many jobs at once, and the steps that run."""

from datetime import UTC, datetime
from typing import Any

from nomaflow.domain.job import JobId
from nomaflow.domain.run import AttemptRun, NewRun, ProcessId, StepRun
from nomaflow.domain.states import RunState, StepState
from nomaflow.history.changes import AttemptBegun, StepsPlanned
from nomaflow.history.database import Database
from nomaflow.history.recent import RecentRuns, RunningStep
from nomaflow.history.runs import RunHistory
from nomaflow.queue.run_queue import RunQueue

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
A, B, C = JobId("a"), JobId("b"), JobId("c")


async def test_each_job_has_its_newest_runs_the_newest_last(database: Database, clock: Any) -> None:
    runs = [NewRun(job, "user:ann", state=RunState.SKIPPED) for job in (A, B, A, A, C, A, B)]
    ids = await RunHistory(database, clock).insert(runs)
    recent = await RecentRuns(database).of([B, A, JobId("none")], 3)

    assert {job: [run.run_id for run in found] for job, found in recent.items()} == {
        A: [ids[2], ids[3], ids[5]],
        B: [ids[1], ids[6]],
    }
    assert await RecentRuns(database).of([A], 0) == {}
    assert await RecentRuns(database).of([], 3) == {}


async def test_the_running_step_is_that_of_the_newest_running_run(
    database: Database, clock: Any
) -> None:
    history, queue = RunHistory(database, clock), RunQueue(database, clock)
    for _ in range(2):
        await queue.enqueue(NewRun(A, "user:ann"), overlap="allow")
    for run in await queue.claim(ProcessId("one"), 10):
        steps = [StepRun(run.id, i, name, "sql_query", StepState.PENDING) for i, name in STEPS]
        trial = AttemptRun(run.id, 1, 1, StepState.RUNNING, NOON)
        assert await history.write(run.fence, StepsPlanned(steps), AttemptBegun(trial))

    assert await RecentRuns(database).running_steps() == {A: RunningStep(run.id, 1, "second")}


STEPS = [(0, "first"), (1, "second")]
