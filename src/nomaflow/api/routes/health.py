"""GET /health and /ready, open to everyone."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from nomaflow.api.parts import Parts
from nomaflow.api.problems import problem

router = APIRouter(tags=["health"])


@router.get("/health")
async def health() -> dict[str, str]:
    """The process lives and its event loop turns."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(api: Parts) -> JSONResponse:
    """200 once the store is open and schedules are kept, else 503."""
    if api.is_ready():
        return JSONResponse({"status": "ready"})
    return problem(503, "NotReady", "Starting or stopping: no due times are kept right now.")
