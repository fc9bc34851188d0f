"""/api/v1/jobs: the catalogue, and starting a run by hand."""

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import APIRouter

from nomaflow.api.models import JobList, Started
from nomaflow.api.parts import Caller, Parts
from nomaflow.domain.job import Definition
from nomaflow.domain.run import RunOptions

router = APIRouter(prefix="/jobs", tags=["jobs"])


class RunRequest(Definition):
    """What this one fire changes: shared parameters, values per step, switches, log level."""

    params: Mapping[str, Any] = {}
    op_kwargs: Mapping[str, Mapping[str, Any]] = {}
    step_enabled: Mapping[str, bool] = {}
    log_level: Literal["DEBUG", "INFO", "WARNING"] | None = None


@router.get("", response_model=JobList)
async def list_jobs(api: Parts, _: Caller) -> dict[str, Any]:
    """Every job with its last run and next due time; broken ones with their problems."""
    return {"jobs": await api.jobs.rows()}


@router.post("/{job_id}/runs", status_code=202, response_model=Started)
async def start_run(
    job_id: str, api: Parts, caller: Caller, wanted: RunRequest | None = None
) -> dict[str, int]:
    """Queue a run. 409 with the id of the run in flight when the job may not overlap."""
    options = RunOptions(**dict(wanted)) if wanted else RunOptions()
    return {"run_id": await api.runs.start(job_id, options, by=caller)}
