"""/api/v1/runs/{run_id}/resume and /replay, and /api/v1/retries for many at once."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import Field, StrictBool, StrictInt

from nomaflow.api.models import RetryList, Started, Undone
from nomaflow.api.parts import Caller, Instant, Parts, PathRunId, SignedInRoute
from nomaflow.api.routes.jobs import RunRequest
from nomaflow.domain.definition import Definition
from nomaflow.domain.job import JobId
from nomaflow.domain.run import RunOptions
from nomaflow.domain.states import RunState
from nomaflow.history.pages import RunFilter

router = APIRouter(tags=["runs"], route_class=SignedInRoute)


class ResumeRequest(Definition):
    """What is agreed to."""

    confirm: StrictBool = False
    """Resume although the job changed since."""


class RetryRequest(Definition):
    """Which failed and canceled runs are retried, and how."""

    job: str | None = None
    state: list[RunState] = Field(default_factory=list)
    since: Instant | None = None
    until: Instant | None = None
    q: str = Field("", pattern=r"^[^\x00]*$")
    limit: StrictInt = Field(50, ge=1, le=500)
    from_start: StrictBool = False
    """Replay each from its first step instead of resuming it."""

    confirm: StrictBool = False
    """Resume also those whose job changed since."""


@router.post("/retries", status_code=202, response_model=RetryList)
async def retry_runs(wanted: RetryRequest, api: Parts, caller: Caller) -> dict[str, Any]:
    """Start a new run for each failed or canceled run of the filter, the newest first."""
    found = RunFilter(
        job_id=JobId(wanted.job) if wanted.job else None,
        states=frozenset(wanted.state),
        since=wanted.since,
        until=wanted.until,
        text=wanted.q,
        limit=wanted.limit,
    )
    retried = await api.repeats.retry(
        found, by=caller, from_start=wanted.from_start, confirm=wanted.confirm
    )
    return {"runs": [asdict(each) for each in retried]}


@router.post("/runs/{run_id}/resume", status_code=202, response_model=Started)
async def resume_run(
    run_id: PathRunId, api: Parts, caller: Caller, wanted: ResumeRequest | None = None
) -> dict[str, Any]:
    """Queue a run that keeps the finished steps and does the rest.

    409 when the run did not fail, when its job changed since, or when the job is busy.
    """
    confirm = wanted is not None and wanted.confirm
    return {"run_id": await api.repeats.resume(run_id, by=caller, confirm=confirm)}


@router.post("/runs/{run_id}/replay", status_code=202, response_model=Started)
async def replay_run(
    run_id: PathRunId, api: Parts, caller: Caller, wanted: RunRequest | None = None
) -> dict[str, Any]:
    """Queue a run with the old one's parameters; what is given here wins."""
    edits = RunOptions(**dict(wanted)) if wanted else RunOptions()
    return {"run_id": await api.repeats.replay(run_id, edits, by=caller)}


@router.post("/runs/{run_id}/steps/{step}/undo", response_model=Undone)
async def undo_step(run_id: PathRunId, step: str, api: Parts, caller: Caller) -> dict[str, Any]:
    """Put back what a `sql_copy` step with `keep_previous` has replaced.

    409 when it kept nothing, when that is gone, or when the table was changed since.
    """
    return asdict(await api.undo.step(run_id, step, by=caller))
