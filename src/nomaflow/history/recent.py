"""The last runs of many jobs at once, and which step each running one is at."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select

from nomaflow.domain.job import JobId
from nomaflow.domain.run import RunId
from nomaflow.domain.states import RunState, StepState
from nomaflow.history.database import Database
from nomaflow.history.tables import job_runs, step_runs


@dataclass(frozen=True)
class RecentRun:
    """What a small drawing of a run needs."""

    run_id: RunId
    state: RunState
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class RunningStep:
    """The step that a run is at; `index` counts from 0."""

    run_id: RunId
    index: int
    name: str


class RecentRuns:
    """One look into the index per job, however many runs each has. Raises Unreachable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, job_ids: Sequence[JobId], count: int) -> dict[JobId, list[RecentRun]]:
        """The newest `count` runs of each job that has one, the newest last."""
        if not job_ids or count < 1:
            return {}
        rows = [{"job_id": job_id} for job_id in job_ids]
        wanted = self._database.store.rows([job_runs.c.job_id], rows).cte()
        other, run = job_runs.alias(), job_runs.c
        nth = select(other.c.id).where(other.c.job_id == wanted.c.job_id)
        nth = nth.order_by(other.c.id.desc()).limit(1).offset(count - 1)
        first = func.coalesce(nth.scalar_subquery(), 0).label("first_id")
        since = select(wanted.c.job_id, first).cte()
        query = (
            select(run.job_id, run.id, run.state, run.started_at, run.finished_at)
            .join(since, and_(run.job_id == since.c.job_id, run.id >= since.c.first_id))
            .order_by(run.job_id, run.id)
        )
        found: dict[JobId, list[RecentRun]] = defaultdict(list)
        for row in await self._database.read(lambda connection: connection.execute(query).all()):
            recent = RecentRun(row.id, RunState(row.state), row.started_at, row.finished_at)
            found[row.job_id].append(recent)
        return found

    async def running_steps(self) -> dict[JobId, RunningStep]:
        """Of each job that has a running step, the one of its newest run."""
        run, step = job_runs.c, step_runs.c
        query = (
            select(run.job_id, run.id, step.step_index, step.name)
            .join(step_runs, step.run_id == run.id)
            .where(run.state == RunState.RUNNING, step.state == StepState.RUNNING)
            .order_by(run.id)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.job_id: RunningStep(row.id, row.step_index, row.name) for row in rows}
