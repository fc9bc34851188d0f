"""The HTTP application: routes under /api/v1, health, problem documents, live events, the pages."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import Receive, Scope, Send

from nomaflow import __version__
from nomaflow.api import problems, static_files
from nomaflow.api.bodies import BodyLimit
from nomaflow.api.hosts import HostGuard, KnownHosts
from nomaflow.api.routes import (
    catalogue,
    health,
    jobs,
    pause,
    preflight,
    repeats,
    revisions,
    runs,
    schedule,
    why,
)

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class HttpApp(FastAPI):
    """Describes in its OpenAPI document what each route refuses with, too."""

    def openapi(self) -> dict[str, Any]:
        return problems.describe(super().openapi())


def http_app(
    lifespan: Lifespan,
    hosts: KnownHosts | None = None,
    tracer_provider: "TracerProvider | None" = None,
) -> FastAPI:
    """`lifespan` opens the engine and sets `app.state.parts` before the first request.

    It sets `app.state.live` too, with the application of the live events as its `asgi`.
    `tracer_provider`: where requests are told as spans; None: nowhere.
    """
    app = HttpApp(
        title="Nomaflow",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        telemetry=_telemetry(tracer_provider),
    )
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(HostGuard, hosts=hosts or KnownHosts())
    app.include_router(health.router)
    for part in (catalogue, revisions, jobs, runs, repeats, pause, why, preflight, schedule):
        app.include_router(part.router, prefix="/api/v1")
    app.mount("/socket.io", _live)
    static_files.install(app)
    return app


def _telemetry(provider: "TracerProvider | None") -> TelemetryConfig:
    """Requests to the API are traced when runs are; what is asked all the time is not."""
    return {
        "tracer_provider": provider,
        "tracing": provider is not None,
        "operation_spans": False,
        "metrics": False,
        "logs": False,
        "auto_configure": False,
        "exclude": lambda scope: not scope["path"].startswith("/api/"),
    }


async def _live(scope: Scope, receive: Receive, send: Send) -> None:
    await scope["app"].state.live.asgi(scope, receive, send)
