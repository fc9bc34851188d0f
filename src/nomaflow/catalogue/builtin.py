"""The jobs that the engine brings itself; they run and are shown like any other."""

from collections.abc import Iterator
from dataclasses import replace

from nomaflow.catalogue.model import Catalogue
from nomaflow.config import Settings
from nomaflow.domain.job import Job, JobId, StepDefinition

PREFIX = "_internal-"
"""No job of jobs.toml may have an id that begins so."""


def with_builtin_jobs(catalogue: Catalogue) -> Catalogue:
    """The catalogue with the engine's own jobs after those of jobs.toml."""
    return replace(
        catalogue,
        jobs={**catalogue.jobs, **{job.id: job for job in _builtin_jobs(catalogue.settings)}},
    )


def _builtin_jobs(settings: Settings) -> Iterator[Job]:
    yield Job(
        id=JobId(f"{PREFIX}prune-runs"),
        description="Deletes the runs that are past [retention] of app.toml",
        tags=("internal",),
        schedule="0 3 * * *",
        misfire="last",
        steps=(
            StepDefinition(
                name="prune", type="prune_runs", settings=settings.retention.model_dump()
            ),
        ),
    )
