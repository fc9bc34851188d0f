"""Runs in every condition, made through the public doors of the store."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert
from tests.fakes import FakeClock

from nomaflow.domain.job import JobId
from nomaflow.domain.run import (
    SCHEDULE,
    AttemptRun,
    Fence,
    LogLine,
    NewRun,
    ProcessId,
    Run,
    RunId,
    StepRun,
)
from nomaflow.domain.states import RunState, StepState
from nomaflow.history.changes import AttemptBegun, RunEnded, StepsPlanned, chunk_rows
from nomaflow.history.database import Database
from nomaflow.history.logs import LogHistory
from nomaflow.history.runs import RunHistory
from nomaflow.history.tables import job_logs
from nomaflow.queue.run_queue import RunQueue

DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


def by_hand(job_id: str = "nightly", **changes: object) -> NewRun:
    return replace(NewRun(JobId(job_id), "cli:anna"), **changes)


def due(job_id: str = "nightly", at: datetime = MIDNIGHT, **changes: object) -> NewRun:
    new = NewRun(JobId(job_id), "cron", trigger_id=SCHEDULE, scheduled_at=at)
    return replace(new, **changes)


@dataclass(frozen=True)
class Desk:
    """Everything that a test about runs needs, on one store."""

    database: Database
    clock: FakeClock

    @property
    def history(self) -> RunHistory:
        return RunHistory(self.database, self.clock)

    @property
    def queue(self) -> RunQueue:
        return RunQueue(self.database, self.clock)

    async def log(self, run_id: RunId, lines: Sequence[LogLine]) -> list[LogLine]:
        """Store lines after those that are there, whoever holds the run; with their numbers."""
        first = await LogHistory(self.database).count(run_id) + 1
        numbered = [replace(line, seq=seq) for seq, line in enumerate(lines, first)]
        rows = chunk_rows(run_id, numbered)
        await self.database.write(lambda connection: connection.execute(insert(job_logs), rows))
        return numbered

    async def queued(self, new: NewRun | None = None) -> RunId:
        run_id = await self.queue.enqueue(new or by_hand(), overlap="allow")
        assert run_id is not None
        return run_id

    async def claimed(self, new: NewRun | None = None, owner: str = "one") -> Run:
        run_id = await self.queued(new)
        [run] = await self.queue.claim(ProcessId(owner), 1)
        assert run.id == run_id
        return run

    async def planned(self, *names: str) -> tuple[Run, list[StepRun]]:
        """A running run whose steps are all PENDING."""
        run = await self.claimed()
        steps = a_plan(run.id, names or ("copy", "check"))
        assert await self.history.write(run.fence, StepsPlanned(steps))
        return run, steps

    async def begun(self) -> tuple[Run, StepRun, AttemptRun]:
        """A running run in the first attempt of its first step."""
        run, [first, *_] = await self.planned()
        attempt = AttemptRun(run.id, 0, 1, StepState.RUNNING, self.clock.now())
        assert await self.history.write(run.fence, AttemptBegun(attempt))
        step = replace(first, state=StepState.RUNNING, attempts=1, started_at=attempt.started_at)
        return run, step, attempt

    async def finish(self, fence: Fence, state: RunState, reason: str | None = None) -> bool:
        """End the run that the fence holds."""
        return await self.history.write(fence, RunEnded(state, reason, self.clock.now()))

    async def ended(self, state: RunState = RunState.SUCCEEDED, new: NewRun | None = None) -> Run:
        run = await self.claimed(new)
        assert await self.finish(run.fence, state)
        return await self.history.get(run.id)


def a_plan(run_id: RunId, names: Sequence[str]) -> list[StepRun]:
    return [
        StepRun(run_id, index, name, "sql_query", StepState.PENDING)
        for index, name in enumerate(names)
    ]
