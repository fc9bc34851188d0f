"""What moved since the last look at the store, whichever process moved it."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, or_, select

from nomaflow.domain.job import JobId
from nomaflow.domain.run import Run, RunId, StepRun
from nomaflow.domain.states import IN_FLIGHT, RunState, StepState
from nomaflow.history.database import Database
from nomaflow.history.rows import RUN_COLUMNS, as_run, as_step_run
from nomaflow.history.tables import job_runs, revisions, step_runs

OVERLAP = 200
"""Ids that are looked at again: a smaller one may be committed after a greater one."""

StepKey = tuple[RunId, int]
StepMark = tuple[StepState, int]


@dataclass(frozen=True)
class RunMark:
    """What moves when a run changes."""

    job_id: JobId
    state: RunState
    attempt: int
    is_canceling: bool


@dataclass(frozen=True)
class Look:
    """The runs in flight and the newest ones, with the steps of those that may have moved.

    `newest` and `newest_revision` are ids; 0 when there is none.
    """

    runs: dict[RunId, RunMark]
    steps: dict[StepKey, StepMark]
    newest: int
    newest_revision: int

    @property
    def running(self) -> set[RunId]:
        return {run_id for run_id, mark in self.runs.items() if mark.state is RunState.RUNNING}

    @property
    def in_flight(self) -> set[RunId]:
        return {run_id for run_id, mark in self.runs.items() if mark.state in IN_FLIGHT}

    def runs_moved_since(self, before: "Look") -> set[RunId]:
        """Runs that are new, or that moved; one that was in flight and is not here has ended."""
        moved = {run_id for run_id, mark in self.runs.items() if before.runs.get(run_id) != mark}
        return moved | (before.in_flight - self.runs.keys())

    def steps_moved_since(self, before: "Look") -> set[StepKey]:
        """Steps that began, ended, or try again."""
        return {
            key
            for key, mark in self.steps.items()
            if before.steps.get(key) != mark and mark[0] is not StepState.PENDING
        }


class Looks:
    """Cheap enough for several a second, however long the history. Raises Unreachable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, before: Look | None = None) -> Look:
        """What there is now; only a look before can tell what moved."""
        return await self._database.read(lambda connection: _look(connection, before))

    async def runs(self, run_ids: Collection[RunId]) -> list[Run]:
        """Those of the runs that still exist, oldest first."""
        if not run_ids:
            return []
        query = select(*RUN_COLUMNS).where(job_runs.c.id.in_(run_ids)).order_by(job_runs.c.id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [as_run(row) for row in rows]

    async def steps(self, keys: Collection[StepKey]) -> list[StepRun]:
        """Those of the step runs that still exist, in order."""
        if not keys:
            return []
        query = select(step_runs).where(step_runs.c.run_id.in_({run_id for run_id, _ in keys}))
        query = query.order_by(step_runs.c.run_id, step_runs.c.step_index)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [as_step_run(row) for row in rows if (row.run_id, row.step_index) in keys]


def _look(connection: Connection, before: Look | None) -> Look:
    newest = connection.scalar(select(func.max(job_runs.c.id))) or 0
    runs = _run_marks(connection, (before.newest if before else newest) - OVERLAP)
    revision = connection.scalar(select(func.max(revisions.c.id))) or 0
    looked = Look(runs, {}, newest, revision)
    moved = looked.runs_moved_since(before) if before else set()
    return replace(looked, steps=_step_marks(connection, moved | looked.running))


def _run_marks(connection: Connection, after: int) -> dict[RunId, RunMark]:
    run = job_runs.c
    query = select(run.id, run.job_id, run.state, run.attempt, run.cancel_requested_at)
    query = query.where(or_(run.state.in_(IN_FLIGHT), run.id > after))
    return {
        RunId(run_id): RunMark(job_id, RunState(state), attempt, canceled_at is not None)
        for run_id, job_id, state, attempt, canceled_at in connection.execute(query)
    }


def _step_marks(connection: Connection, run_ids: Collection[RunId]) -> dict[StepKey, StepMark]:
    if not run_ids:
        return {}
    step = step_runs.c
    query = select(step.run_id, step.step_index, step.state, step.attempts)
    rows = connection.execute(query.where(step.run_id.in_(run_ids)))
    return {
        (run_id, index): (StepState(state), attempts) for run_id, index, state, attempts in rows
    }
