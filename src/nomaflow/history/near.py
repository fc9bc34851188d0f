"""The runs of a job near an instant, each found by an index."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, select

from nomaflow.domain.job import JobId
from nomaflow.domain.run import Run
from nomaflow.history.database import Database
from nomaflow.history.rows import RUN_COLUMNS, as_run
from nomaflow.history.tables import job_runs

EACH_SIDE = 2
AROUND = timedelta(hours=1)
MOST_AROUND = 20


class NearRuns:
    """Raises Unreachable when the store is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, job_id: JobId, trigger_ids: Sequence[str], at: datetime) -> list[Run]:
        """Two due times of each trigger before `at` and two after it, and what began around it.

        In the order of their due times, or of their creation.
        """

        def near(connection: Connection) -> dict[int, Run]:
            queries = _queries(job_id, trigger_ids, at)
            rows = (row for query in queries for row in connection.execute(query))
            return {row.id: as_run(row) for row in rows}

        found = await self._database.read(near)
        return sorted(found.values(), key=lambda run: (run.scheduled_at or run.created_at, run.id))


def _queries(
    job_id: JobId, trigger_ids: Sequence[str], at: datetime
) -> Iterator[Select[*tuple[Any, ...]]]:
    run = job_runs.c
    of_job = select(*RUN_COLUMNS).where(run.job_id == job_id)
    for trigger_id in trigger_ids:
        due = of_job.where(run.trigger_id == trigger_id).limit(EACH_SIDE)
        yield due.where(run.scheduled_at <= at).order_by(run.scheduled_at.desc())
        yield due.where(run.scheduled_at > at).order_by(run.scheduled_at)
    around = of_job.where(run.created_at.between(at - AROUND, at + AROUND))
    yield around.order_by(run.created_at.desc()).limit(MOST_AROUND)
