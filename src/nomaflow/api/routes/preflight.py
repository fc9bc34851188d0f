"""/api/v1/jobs/{job_id}/preflight: what a job's steps would do."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from nomaflow.api.models import PreflightDetail
from nomaflow.api.parts import Caller, Parts, SignedInRoute
from nomaflow.domain.definition import Definition
from nomaflow.domain.run import RunOptions

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=SignedInRoute)


class PreflightRequest(Definition):
    """Which step, absent: every one that can tell; and the parameters that it would have."""

    step: str | None = None
    params: Mapping[str, Any] = {}
    op_kwargs: Mapping[str, Mapping[str, Any]] = {}


@router.post("/{job_id}/preflight", response_model=PreflightDetail)
async def preflight(
    job_id: str, api: Parts, caller: Caller, asked: PreflightRequest | None = None
) -> dict[str, Any]:
    """What the job's copies would do, without a run: rows, types, the way into the target."""
    wish = asked or PreflightRequest()
    options = RunOptions(params=wish.params, op_kwargs=wish.op_kwargs)
    return {"steps": await api.preflights.of(job_id, wish.step, options, caller)}
