"""Runs, their steps and attempts: read by anyone, written only by who holds the run."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Insert,
    Select,
    Update,
    bindparam,
    func,
    insert,
    select,
    update,
)

from nomaflow.clock import Clock
from nomaflow.domain.job import JobId
from nomaflow.domain.run import AttemptRun, Fence, NewRun, Run, RunId, StepRun
from nomaflow.domain.states import IN_FLIGHT, STEP_MOVES, RunState, StepState
from nomaflow.errors import NotFound
from nomaflow.history.database import Database
from nomaflow.history.pages import RunFilter, RunPage, cursor_after, page_query, page_size
from nomaflow.history.rows import (
    NEW_RUN_COLUMNS,
    RUN_COLUMNS,
    as_attempt_run,
    as_run,
    as_step_run,
    new_run_values,
    step_values,
)
from nomaflow.history.stores.base import Store
from nomaflow.history.tables import job_runs, step_attempts, step_runs
from nomaflow.history.types import Instant

__all__ = ["RunFilter", "RunHistory", "RunPage", "insert_runs"]

DueTime = tuple[str, str, datetime]
Change = tuple[Insert | Update, dict[str, Any]]

# Made once, because they are needed for every step of every run.
OF_RUN: BindParameter[int] = bindparam("of_run")
MAY_MOVE: BindParameter[str] = bindparam("before", expanding=True)
OF_CLAIM = (
    job_runs.c.id == OF_RUN,
    job_runs.c.attempt == bindparam("of_claim"),
    job_runs.c.state == RunState.RUNNING,
)
HOLD = select(job_runs.c.id).where(*OF_CLAIM).with_for_update(key_share=True)
KEEP_PARAMS = update(job_runs).where(*OF_CLAIM)
MOVE_STEP = update(step_runs).where(
    step_runs.c.run_id == OF_RUN,
    step_runs.c.step_index == bindparam("of_step"),
    step_runs.c.state.in_(MAY_MOVE),
)
BEGIN_STEP = MOVE_STEP.values(
    started_at=func.coalesce(step_runs.c.started_at, bindparam("begun_at", type_=Instant()))
)
ADD_ATTEMPT = insert(step_attempts)
MOVE_ATTEMPT = update(step_attempts).where(
    step_attempts.c.run_id == OF_RUN,
    step_attempts.c.step_index == bindparam("of_step"),
    step_attempts.c.attempt == bindparam("of_attempt"),
    step_attempts.c.state.in_(MAY_MOVE),
)


class RunHistory:
    """What did happen.

    Reads raise Unreachable when the store is away. Fenced writes return False when the fence's
    attempt no longer holds the run, or the move is not legal: then nothing was written.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def insert(self, new: Sequence[NewRun]) -> list[RunId | None]:
        """Ids in the order of `new`; None where the due time already has its row."""
        now = self._clock.now()
        return await self._database.write(
            lambda connection: insert_runs(connection, self._database.store, new, now)
        )

    async def get(self, run_id: RunId) -> Run:
        """The run. Raises NotFound."""
        query = select(*RUN_COLUMNS).where(job_runs.c.id == run_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            raise NotFound(f"There is no run {run_id}.")
        return as_run(row)

    async def steps(self, run_id: RunId) -> list[StepRun]:
        """The step runs in the order of the job; none before the run was planned."""
        query = select(step_runs).where(step_runs.c.run_id == run_id)
        query = query.order_by(step_runs.c.step_index)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [as_step_run(row) for row in rows]

    async def attempts(self, run_id: RunId) -> list[AttemptRun]:
        """Every try of every step, in the order of the job and then of time."""
        query = select(step_attempts).where(step_attempts.c.run_id == run_id)
        query = query.order_by(step_attempts.c.step_index, step_attempts.c.attempt)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [as_attempt_run(row) for row in rows]

    async def page(self, wanted: RunFilter) -> RunPage:
        """One page, newest first. Raises Refused for a cursor that this list did not give."""
        query = page_query(wanted)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        size = page_size(wanted)
        runs = tuple(as_run(row) for row in rows[:size])
        return RunPage(runs, cursor_after(runs[-1]) if len(rows) > size else None)

    async def in_flight(self, job_id: JobId) -> list[Run]:
        """The job's queued and running runs, oldest first."""
        query = select(*RUN_COLUMNS).where(
            job_runs.c.job_id == job_id, job_runs.c.state.in_(IN_FLIGHT)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return sorted(map(as_run, rows), key=lambda run: run.id)

    async def last_runs(self, job_ids: Sequence[JobId]) -> dict[JobId, Run]:
        """The newest run of each job that has one."""
        query = _last_runs_query(self._database.store, job_ids)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.job_id: as_run(row) for row in rows}

    async def previous_success_at(self, job_id: JobId, before: datetime) -> datetime | None:
        """When the job's last run that succeeded, of those begun before `before`, began.

        Its beginning, so that "what changed since then" misses nothing that changed meanwhile.
        """
        query = (
            select(job_runs.c.started_at)
            .where(job_runs.c.job_id == job_id, job_runs.c.state == RunState.SUCCEEDED)
            .where(job_runs.c.started_at < before)
            .order_by(job_runs.c.id.desc())
            .limit(1)
        )
        return await self._database.read(lambda connection: connection.scalar(query))

    async def save_params(self, fence: Fence, params: Mapping[str, Any]) -> bool:
        """Keep the snapshot of the merged parameters; masked by the caller."""
        return await self._change(fence, (KEEP_PARAMS, _of(fence) | {"params": dict(params)}))

    async def plan_steps(self, fence: Fence, steps: Sequence[StepRun]) -> bool:
        """Add the step runs that are missing; those that are there stay as they are."""
        rows = [step_values(step) for step in steps]

        def plan(connection: Connection) -> bool:
            if not _holds(connection, fence):
                return False
            connection.execute(self._database.store.insert_new(step_runs), rows)
            return True

        return await self._database.write(plan)

    async def start_attempt(self, fence: Fence, attempt: AttemptRun) -> bool:
        """Write the attempt and set its step RUNNING; the step keeps its first `started_at`."""
        begun = _place(attempt, StepState.RUNNING) | {
            "state": StepState.RUNNING,
            "attempts": attempt.attempt,
            "begun_at": attempt.started_at,
        }
        return await self._change(fence, (BEGIN_STEP, begun), (ADD_ATTEMPT, step_values(attempt)))

    async def finish_attempt(self, fence: Fence, attempt: AttemptRun, step: StepRun) -> bool:
        """End the attempt, and its step too unless `step` is RUNNING because a retry follows."""
        return await self._change(fence, _end_of_attempt(attempt), _end_of_step(step))

    async def finish_step(self, fence: Fence, step: StepRun) -> bool:
        """End a step outside an attempt: skipped, or stopped while it waited for a retry."""
        return await self._change(fence, _end_of_step(step))

    async def _change(self, fence: Fence, *changes: Change) -> bool:
        """All of the changes, each of one row, or none."""

        def change(connection: Connection) -> bool:
            if not _holds(connection, fence):
                return False
            if any(connection.execute(*each).rowcount == 0 for each in changes):
                raise _IllegalMove
            return True

        try:
            return await self._database.write(change)
        except _IllegalMove:
            return False


class _IllegalMove(Exception):
    """The step or attempt is not in a state from which it may move; undoes the transaction."""


def insert_runs(
    connection: Connection, store: Store, new: Sequence[NewRun], now: datetime
) -> list[RunId | None]:
    """Ids in the order of `new`; None where the due time already has its row."""
    due = {key: run for run in reversed(new) if (key := _due_time(run)) is not None}
    ids = _insert_due(connection, store, [due[key] for key in sorted(due)], now)
    return [
        _insert_one(connection, run, now) if (key := _due_time(run)) is None else ids.pop(key, None)
        for run in new
    ]


def _insert_due(
    connection: Connection, store: Store, runs: Sequence[NewRun], now: datetime
) -> dict[DueTime, RunId]:
    """Sorted by due time, so that racing processes meet in one order and cannot deadlock."""
    if not runs:
        return {}
    key = (job_runs.c.job_id, job_runs.c.trigger_id, job_runs.c.scheduled_at)
    rows = store.rows(NEW_RUN_COLUMNS, [new_run_values(run, now) for run in runs])
    insertion = store.insert_new(job_runs).from_select(NEW_RUN_COLUMNS, rows)
    inserted = connection.execute(insertion.returning(job_runs.c.id, *key))
    return {(row.job_id, row.trigger_id, row.scheduled_at): RunId(row.id) for row in inserted}


def _insert_one(connection: Connection, run: NewRun, now: datetime) -> RunId:
    statement = insert(job_runs).values(new_run_values(run, now)).returning(job_runs.c.id)
    return RunId(connection.execute(statement).scalar_one())


def _due_time(run: NewRun) -> DueTime | None:
    """What is unique; None for a run by hand."""
    if run.trigger_id is None or run.scheduled_at is None:
        return None
    return (run.job_id, run.trigger_id, run.scheduled_at)


def _last_runs_query(store: Store, job_ids: Sequence[JobId]) -> Select[*tuple[Any, ...]]:
    """One look into the index per job, however many runs each has."""
    rows = [{"job_id": job_id} for job_id in job_ids]
    wanted = store.rows([job_runs.c.job_id], rows).cte()
    other = job_runs.alias()
    newest = select(func.max(other.c.id)).where(other.c.job_id == wanted.c.job_id)
    return select(*RUN_COLUMNS).join(wanted, job_runs.c.id == newest.scalar_subquery())


def _holds(connection: Connection, fence: Fence) -> bool:
    """Whether the claim still holds the run; the row is locked, so it does until the commit."""
    return connection.execute(HOLD, _of(fence)).first() is not None


def _end_of_step(step: StepRun) -> Change:
    return MOVE_STEP, _place(step, step.state) | step_values(step)


def _end_of_attempt(attempt: AttemptRun) -> Change:
    of_attempt = {"of_attempt": attempt.attempt}
    return MOVE_ATTEMPT, _place(attempt, attempt.state) | of_attempt | step_values(attempt)


def _of(fence: Fence) -> dict[str, Any]:
    return {"of_run": fence.run_id, "of_claim": fence.attempt}


def _place(what: StepRun | AttemptRun, target: StepState) -> dict[str, Any]:
    """Which row moves to `target`, and from which states it may."""
    before = _states_before(target)
    return {"of_run": what.run_id, "of_step": what.index, "before": before}


def _states_before(target: StepState) -> list[StepState]:
    """From where a step may come; a step that is tried again stays RUNNING."""
    before = [state for state, moves in STEP_MOVES.items() if target in moves]
    return before if target.is_final else [*before, target]
