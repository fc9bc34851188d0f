"""/api/v1/jobs/{job_id}/why: why did it not run?"""

from typing import Any

from fastapi import APIRouter

from nomaflow.api.models import WhyDetail
from nomaflow.api.parts import Caller, Instant, Parts, SignedInRoute

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=SignedInRoute)


@router.get("/{job_id}/why", response_model=WhyDetail)
async def get_why(job_id: str, api: Parts, _: Caller, at: Instant | None = None) -> dict[str, Any]:
    """What became of the due time before `at` (absent: now), and what comes next."""
    return await api.why.near(job_id, at)
