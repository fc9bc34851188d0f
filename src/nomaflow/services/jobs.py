"""Use cases on jobs: list them with what ran last and what comes next."""

from collections.abc import Callable
from datetime import datetime

from nomaflow.catalogue.model import Catalogue
from nomaflow.domain.job import Job
from nomaflow.history.runs import RunHistory
from nomaflow.services.views import View, broken_job_row, job_row


class Jobs:
    """Reads the catalogue in force. `next_due` tells when a job is due next, None for never."""

    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        history: RunHistory,
        next_due: Callable[[Job], datetime | None],
    ) -> None:
        self._catalogue = catalogue
        self._history = history
        self._next_due = next_due

    async def rows(self) -> list[View]:
        """Every job in the catalogue's order, then the broken ones with their problems."""
        catalogue = self._catalogue()
        last = await self._history.last_runs(list(catalogue.jobs))
        healthy = [
            job_row(
                job,
                last_run=last.get(job.id),
                next_due=self._next_due(job),
                problems=catalogue.problems_of(job.id),
            )
            for job in catalogue.jobs.values()
        ]
        return healthy + [broken_job_row(job.id, job.problems) for job in catalogue.broken]
