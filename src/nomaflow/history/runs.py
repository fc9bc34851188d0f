"""Runs, their steps and attempts: read by anyone, written only by who holds the run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select

from nomaflow.clock import Clock
from nomaflow.domain.job import JobId
from nomaflow.domain.run import AttemptRun, Fence, NewRun, Run, RunId, StepRun, TriggerId
from nomaflow.domain.states import IN_FLIGHT, RunState
from nomaflow.errors import NotFound
from nomaflow.history.changes import Change, IllegalMove, RunEnded, write_changes
from nomaflow.history.closing import OnEnd, nothing
from nomaflow.history.database import Database
from nomaflow.history.pages import RunFilter, RunPage, cursor_after, newest_runs, page_size
from nomaflow.history.prepared import Prepared
from nomaflow.history.rows import (
    NEW_RUN_COLUMNS,
    RUN_COLUMNS,
    as_attempt_run,
    as_run,
    as_step_run,
    new_run_values,
)
from nomaflow.history.stores.base import Store
from nomaflow.history.tables import job_logs, job_runs, step_attempts, step_runs
from nomaflow.history.text_search import runs_mentioning
from nomaflow.history.types import Instant

__all__ = ["RunFilter", "RunHistory", "RunPage", "insert_runs"]

DueTime = tuple[str, str, datetime]

# Made once, because every run needs them.
PREVIOUS_SUCCESS = (
    select(job_runs.c.started_at)
    .where(job_runs.c.job_id == bindparam("of_job"), job_runs.c.state == RunState.SUCCEEDED)
    .where(job_runs.c.started_at < bindparam("before", type_=Instant()))
    .order_by(job_runs.c.id.desc())
    .limit(1)
)
LAST_SEQ = select(func.max(job_logs.c.last_seq)).where(job_logs.c.run_id == bindparam("of_run"))
KNOWN = select(
    PREVIOUS_SUCCESS.scalar_subquery().label("previous_success_at"),
    LAST_SEQ.scalar_subquery().label("last_seq"),
)
ADD_RUN = Prepared(insert(job_runs).returning(job_runs.c.id))
STEPS = (
    select(step_runs)
    .where(step_runs.c.run_id == bindparam("of_run"))
    .order_by(step_runs.c.step_index)
)


@dataclass(frozen=True)
class Opening:
    """What is known before a claimed run goes on.

    `steps` are those that were planned before, in order; `last_seq` numbers the last stored line.
    """

    steps: tuple[StepRun, ...] = ()
    previous_success_at: datetime | None = None
    last_seq: int = 0


class RunHistory:
    """What did happen.

    Reads raise Unreachable when the store is away. Fenced writes return False when the fence's
    attempt no longer holds the run, or the move is not legal: then nothing was written.
    """

    def __init__(self, database: Database, clock: Clock, on_end: OnEnd = nothing) -> None:
        self._database = database
        self._clock = clock
        self._on_end = on_end

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
        rows = await self._database.read(
            lambda connection: connection.execute(STEPS, {"of_run": run_id}).all()
        )
        return [as_step_run(row) for row in rows]

    async def attempts(self, run_id: RunId) -> list[AttemptRun]:
        """Every try of every step, in the order of the job and then of time."""
        query = select(step_attempts).where(step_attempts.c.run_id == run_id)
        query = query.order_by(step_attempts.c.step_index, step_attempts.c.attempt)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [as_attempt_run(row) for row in rows]

    async def page(self, wanted: RunFilter) -> RunPage:
        """One page, newest first. Raises Refused for a cursor that this list did not give."""
        find = partial(runs_mentioning, self._database.store) if wanted.text else newest_runs
        size = page_size(wanted)
        rows = await self._database.read(lambda connection: find(connection, wanted, size + 1))
        runs = tuple(as_run(row) for row in rows[:size])
        return RunPage(runs, cursor_after(runs[-1]) if len(rows) > size else None)

    async def in_flight(self, job_id: JobId) -> list[Run]:
        """The job's queued and running runs, oldest first."""
        query = select(*RUN_COLUMNS).where(
            job_runs.c.job_id == job_id, job_runs.c.state.in_(IN_FLIGHT)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return sorted(map(as_run, rows), key=lambda run: run.id)

    async def last_of(self, job_id: JobId, trigger_id: TriggerId) -> Run | None:
        """The job's newest run by that trigger."""
        query = (
            select(*RUN_COLUMNS)
            .where(job_runs.c.job_id == job_id, job_runs.c.trigger_id == trigger_id)
            .order_by(job_runs.c.id.desc())
            .limit(1)
        )
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else as_run(row)

    async def last_runs(self, job_ids: Sequence[JobId]) -> dict[JobId, Run]:
        """The newest run of each job that has one."""
        query = _last_runs_query(self._database.store, job_ids)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.job_id: as_run(row) for row in rows}

    async def previous_success_at(self, job_id: JobId, before: datetime) -> datetime | None:
        """When the job's last run that succeeded, of those begun before `before`, began.

        Its beginning, so that "what changed since then" misses nothing that changed meanwhile.
        """
        values = {"of_job": job_id, "before": before}
        return await self._database.read(
            lambda connection: connection.scalar(PREVIOUS_SUCCESS, values)
        )

    async def opening(self, run: Run) -> Opening:
        """What is known before a claimed run goes on."""
        return await self._database.read(lambda connection: _opening(connection, run))

    async def write(self, fence: Fence, *changes: Change) -> bool:
        """All of the changes in one transaction, or none."""

        def write(connection: Connection) -> bool:
            is_written = write_changes(connection, self._database.store, fence, changes)
            if is_written and any(isinstance(change, RunEnded) for change in changes):
                self._on_end(connection, [fence.run_id])
            return is_written

        try:
            return await self._database.write(write)
        except IllegalMove:
            return False


def _opening(connection: Connection, run: Run) -> Opening:
    values = {"of_run": run.id, "of_job": run.job_id, "before": run.created_at}
    known = connection.execute(KNOWN, values).one()
    steps = connection.execute(STEPS, {"of_run": run.id}).all()
    return Opening(
        tuple(as_step_run(row) for row in steps), known.previous_success_at, known.last_seq or 0
    )


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
    return RunId(ADD_RUN.run(connection, new_run_values(run, now)).scalar_one())


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
