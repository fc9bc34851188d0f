"""Use cases on jobs: what they are, what ran last, what runs now, what comes next."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nomaflow.catalogue.model import Catalogue
from nomaflow.domain.job import Job, JobId
from nomaflow.domain.run import Run
from nomaflow.history.recent import RecentRun, RecentRuns, RunningStep
from nomaflow.history.runs import RunHistory
from nomaflow.services.progress import ProgressBoard
from nomaflow.services.views import (
    View,
    broken_job_row,
    job_row,
    parameters_view,
    recent_run,
    running_step,
)

RECENT_RUNS = 20


@dataclass(frozen=True)
class JobParts:
    """`next_due` tells when a job is due next, None for never; `mask` hides what is secret.

    `alarm` says why somebody should look at a job, None when all is well.
    """

    catalogue: Callable[[], Catalogue]
    history: RunHistory
    recent: RecentRuns
    progress: ProgressBoard
    next_due: Callable[[Job], datetime | None]
    alarm: Callable[[JobId], str | None]
    mask: Callable[[Any], Any]


@dataclass(frozen=True)
class Past:
    """What the history knows of some jobs."""

    last: Mapping[JobId, Run]
    recent: Mapping[JobId, Sequence[RecentRun]]
    running: Mapping[JobId, RunningStep]


class Jobs:
    """Reads the catalogue in force."""

    def __init__(self, parts: JobParts) -> None:
        self._parts = parts

    async def rows(self, *, recent: int = 0) -> list[View]:
        """Every job in the catalogue's order, then the broken ones with their problems.

        Each with its newest `recent` runs, the newest last.
        """
        catalogue = self._parts.catalogue()
        jobs = tuple(catalogue.jobs.values())
        past = await self._past([job.id for job in jobs], recent)
        healthy = await asyncio.to_thread(self._rows, jobs, past)
        return healthy + [broken_job_row(job.id, job.problems) for job in catalogue.broken]

    async def get(self, job_id: str) -> View:
        """One job's row with its definition; a broken one with its problems. Raises NotFound."""
        catalogue = self._parts.catalogue()
        for broken in catalogue.broken:
            if broken.id == job_id:
                return broken_job_row(broken.id, broken.problems)
        job = catalogue.job(job_id)
        (row,) = self._rows([job], await self._past([job.id], RECENT_RUNS))
        return row | {
            "definition": self._parts.mask(job.model_dump(mode="json")),
            "parameters": self._parts.mask(parameters_view(job)),
        }

    async def _past(self, job_ids: Sequence[JobId], recent: int) -> Past:
        return Past(
            last=await self._parts.history.last_runs(job_ids),
            recent=await self._parts.recent.of(job_ids, recent),
            running=await self._parts.recent.running_steps(),
        )

    def _rows(self, jobs: Iterable[Job], past: Past) -> list[View]:
        return [self._row(job, past) for job in jobs]

    def _row(self, job: Job, past: Past) -> View:
        row = job_row(
            job,
            last_run=past.last.get(job.id),
            next_due=self._parts.next_due(job),
            problems=self._parts.catalogue().problems_of(job.id),
        )
        step = past.running.get(job.id)
        return row | {
            "alarm": self._parts.alarm(job.id),
            "recent_runs": [recent_run(run) for run in past.recent.get(job.id, ())],
            "running": None if step is None else self._running(job, step),
        }

    def _running(self, job: Job, step: RunningStep) -> View:
        progress = self._parts.progress.of(step.run_id, step.name)
        return running_step(step, steps=len(job.steps), progress=progress)
