"""/api/v1/jobs: the catalogue, and starting a run by hand."""

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import JSONResponse

from nomaflow.api.models import BrokenJob, JobDetail, JobList, Offer, RunDetail, Started
from nomaflow.api.parts import Caller, Parts, SignedInRoute
from nomaflow.domain.definition import Definition
from nomaflow.domain.run import RunOptions
from nomaflow.services.jobs import RECENT_RUNS
from nomaflow.services.views import choice_view, run_detail

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=SignedInRoute)


class RunRequest(Definition):
    """What this one fire changes: shared parameters, values per step, switches, log level.

    They lie over the values of the `preset`, if one is named.
    """

    params: Mapping[str, Any] = {}
    op_kwargs: Mapping[str, Mapping[str, Any]] = {}
    step_enabled: Mapping[str, bool] = {}
    log_level: Literal["DEBUG", "INFO", "WARNING"] | None = None
    preset: str | None = None


@router.get("", response_model=JobList)
async def list_jobs(
    api: Parts,
    _: Caller,
    recent: Annotated[int, Query(ge=0, le=50)] = RECENT_RUNS,
) -> Response:
    """Every job with its newest runs and next due time; broken ones with their problems."""
    rows = await api.jobs.rows(recent=recent)
    # Thousands of rows: made into text beside the event loop, and not looked through again.
    text = await asyncio.to_thread(json.dumps, {"jobs": rows})
    return Response(text, media_type="application/json")


@router.get("/{job_id}", response_model=JobDetail | BrokenJob)
async def get_job(job_id: str, api: Parts, _: Caller) -> dict[str, Any]:
    """One job with its newest runs, next due time and definition; a broken one with problems."""
    return await api.jobs.get(job_id)


@router.get("/{job_id}/params/{name}/choices", response_model=Offer)
async def get_choices(job_id: str, name: str, api: Parts, _: Caller) -> dict[str, Any]:
    """What a parameter offers to choose from; 503 naming the connector that does not answer."""
    offer = await api.choices.of(job_id, name)
    choices = [choice_view(choice) for choice in offer.choices]
    return {"choices": choices, "has_more": offer.has_more}


@router.post(
    "/{job_id}/runs",
    status_code=202,
    response_model=Started,
    responses={200: {"model": RunDetail, "description": "The run, ended within `wait`"}},
)
async def start_run(  # one argument per part of the request
    *,
    job_id: str,
    api: Parts,
    caller: Caller,
    wanted: RunRequest | None = None,
    wait: Annotated[float | None, Query(ge=0, le=3600)] = None,
    idempotency_key: Annotated[str | None, Header(pattern=r"^[!-~]{1,255}$")] = None,
) -> Any:
    """Queue a run; with `wait`, answer after its end or after so many seconds.

    409 with the id of the run in flight when the job may not overlap. Calls with the same
    Idempotency-Key start one run within 24 hours, and are all answered with it.
    """
    options = RunOptions(**dict(wanted)) if wanted else RunOptions()
    run_id = await api.runs.start(job_id, options, by=caller, key=idempotency_key)
    if wait and (await api.runs.wait(run_id, seconds=wait)).state.is_final:
        return JSONResponse(run_detail(*await api.runs.get(run_id)))
    return {"run_id": run_id}
