"""The service as an ASGI application; the command line goes without, and starts faster."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from nomaflow import __version__
from nomaflow.api.hosts import KnownHosts
from nomaflow.api.http import http_app
from nomaflow.api.parts import ApiParts
from nomaflow.app import App
from nomaflow.lifecycle import serving
from nomaflow.live.door import LiveDoor
from nomaflow.live.parts import LiveParts
from nomaflow.services.figures import Figures


def http_app_of(app: App, *, host: str | None = None) -> FastAPI:
    """The ASGI application that serves `app` while its lifespan is open.

    `host` is the address that is listened on, when that is not the one of app.toml.
    """
    server = app.settings.server

    @asynccontextmanager
    async def lifespan(http: FastAPI) -> AsyncIterator[None]:
        async with serving(app):
            figures = Figures(app.stored.looks, __version__)
            http.state.parts = ApiParts(
                jobs=app.jobs,
                choices=app.choices,
                catalogue=app.catalogue_keeper,
                revisions=app.revisions,
                runs=app.runs,
                repeats=app.repeats,
                preflights=app.preflights,
                undo=app.undo,
                pauses=app.pauses,
                why=app.why,
                schedule=app.schedule,
                figures=figures,
                metrics_open=server.metrics_open,
                sign_in=app.access.sign_in,
                is_ready=lambda: app.is_ready,
            )
            http.state.live = live = LiveDoor(_live_parts(app))
            try:
                yield
            finally:
                await live.close()
                await figures.close()

    hosts = KnownHosts(host or server.host, server.allowed_hosts)
    return http_app(lifespan, hosts, app.tracer_provider)


def _live_parts(app: App) -> LiveParts:
    return LiveParts(runs=app.runs, looks=app.stored.looks, bus=app.bus, sign_in=app.access.sign_in)


def create_app(home: Path | str) -> FastAPI:
    """An ASGI application for the home folder. Raises InvalidConfiguration, SecretsError."""
    return http_app_of(App.build(Path(home)))
