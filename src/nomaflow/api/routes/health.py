"""GET /health and /ready, open to everyone, and /metrics."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from nomaflow.api.parts import Bearer, Parts, sign_in
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


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "Figures", "content": {"text/plain": {}}}},
)
async def metrics(request: Request, api: Parts, _: Bearer) -> Response:
    """Figures for Prometheus; with a token, or without one if `[server] metrics_open` is true."""
    if not api.metrics_open:
        await sign_in(request)
    return Response(await api.figures.text(), media_type="text/plain; version=0.0.4")
