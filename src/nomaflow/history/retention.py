"""Which runs are past retention, and their end: a batch at a time, so that nobody else waits."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, delete, func, literal, select, tuple_

from nomaflow.domain.job import JobId
from nomaflow.domain.run import RunId
from nomaflow.domain.states import IN_FLIGHT, RunState
from nomaflow.history.database import Database
from nomaflow.history.rows import AnyRow
from nomaflow.history.tables import job_logs, job_runs

ROWS_PER_DELETE = 100
"""Runs and chunks of their logs together: how much one transaction takes away."""

Cursor = tuple[datetime, RunId]
KEYS = (job_runs.c.created_at, job_runs.c.id)
FINAL = [state for state in RunState if state not in IN_FLIGHT]


@dataclass(frozen=True)
class RetentionRule:
    """Runs that ended at `ended_before` or later stay, and of each job the newest `keep_last`, ≥ 1.

    A job's last success stays however old it is, and so does what has not ended.
    """

    ended_before: datetime
    keep_last: int


@dataclass(frozen=True)
class Stays:
    """What of one job's runs stays whatever their age."""

    newest_from: RunId
    last_success: RunId | None


@dataclass(frozen=True)
class OldRuns:
    """Some old runs, oldest first: those past retention, and how many stay for which reason.

    `cursor` leads to those after them; None after the last.
    """

    expired: tuple[RunId, ...] = ()
    kept_last_successes: int = 0
    kept_newest: int = 0
    cursor: Cursor | None = None


@dataclass
class Retention:
    """Walks once over the old runs under one rule, `runs_per_look` at a time."""

    database: Database
    rule: RetentionRule
    runs_per_look: int = 500
    _stays: dict[JobId, Stays] = field(default_factory=dict)

    async def look(self, after: Cursor | None = None) -> OldRuns:
        """The next old runs. Raises Unreachable."""
        return await self.database.read(lambda connection: self._look(connection, after))

    async def delete(self, run_ids: Sequence[RunId]) -> int:
        """Delete the runs with their steps and logs; how many there still were.

        In several transactions: each takes away what one can in a moment.
        """
        if not run_ids:
            return 0
        query = _chunk_counts(run_ids)
        rows = await self.database.read(lambda connection: connection.execute(query).all())
        weights = {RunId(run_id): 1 + chunks for run_id, chunks in rows}
        return sum([await self._delete(some) for some in portions(run_ids, weights)])

    async def _delete(self, run_ids: Collection[RunId]) -> int:
        end = delete(job_runs).where(job_runs.c.id.in_(run_ids), job_runs.c.state.in_(FINAL))
        return await self.database.write(lambda connection: connection.execute(end).rowcount)

    def _look(self, connection: Connection, after: Cursor | None) -> OldRuns:
        rows = connection.execute(self._old_runs(after)).all()
        self._learn(connection, {row.job_id for row in rows} - self._stays.keys())
        successes = [row for row in rows if row.id == self._stays[row.job_id].last_success]
        expired = tuple(RunId(row.id) for row in rows if self._is_expired(row))
        last = rows[-1] if len(rows) == self.runs_per_look else None
        return OldRuns(
            expired=expired,
            kept_last_successes=len(successes),
            kept_newest=len(rows) - len(expired) - len(successes),
            cursor=None if last is None else (last.created_at, RunId(last.id)),
        )

    def _old_runs(self, after: Cursor | None) -> Select[int, str, datetime]:
        run, before = job_runs.c, self.rule.ended_before
        query = select(run.id, run.job_id, run.created_at).where(
            run.created_at < before, run.finished_at < before, run.state.in_(FINAL)
        )
        if after is not None:
            query = query.where(_is_after(after))
        return query.order_by(*KEYS).limit(self.runs_per_look)

    def _is_expired(self, row: AnyRow) -> bool:
        stays = self._stays[row.job_id]
        return bool(row.id < stays.newest_from and row.id != stays.last_success)

    def _learn(self, connection: Connection, job_ids: Collection[JobId]) -> None:
        """What stays is looked up once: a run that is added later only lets more go."""
        for job_id in job_ids:
            newest = connection.scalars(_newest(job_id, self.rule.keep_last)).all()
            success = connection.scalar(_last_success(job_id))
            self._stays[job_id] = Stays(newest[-1], success)


def _is_after(place: Cursor) -> ColumnElement[bool]:
    values = [literal(value, key.type) for value, key in zip(place, KEYS, strict=True)]
    return tuple_(*KEYS) > tuple_(*values)


def _newest(job_id: JobId, count: int) -> Select[RunId]:
    """The ids of the job's newest runs, newest first."""
    run = job_runs.c
    return select(run.id).where(run.job_id == job_id).order_by(run.id.desc()).limit(count)


def _last_success(job_id: JobId) -> Select[RunId | None]:
    run = job_runs.c
    return select(func.max(run.id)).where(run.job_id == job_id, run.state == RunState.SUCCEEDED)


def _chunk_counts(run_ids: Sequence[RunId]) -> Select[int, int]:
    log = job_logs.c
    query = select(log.run_id, func.count()).where(log.run_id.in_(run_ids))
    return query.group_by(log.run_id)


def portions(run_ids: Sequence[RunId], weights: Mapping[RunId, int]) -> Iterator[list[RunId]]:
    """The runs in groups that weigh no more than one delete may; a heavier run stands alone."""
    portion: list[RunId] = []
    total = 0
    for run_id in run_ids:
        weight = weights.get(run_id, 1)
        if portion and total + weight > ROWS_PER_DELETE:
            yield portion
            portion, total = [], 0
        portion.append(run_id)
        total += weight
    if portion:
        yield portion
