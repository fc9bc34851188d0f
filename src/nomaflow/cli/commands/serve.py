"""`nomaflow serve`: keep the schedules and answer the API."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import typer
import uvicorn

from nomaflow.app import App
from nomaflow.asgi import http_app_of
from nomaflow.cli.context import HERE, HomeOption, complete
from nomaflow.cli.interrupts import interrupts
from nomaflow.clock import Clock, until_next
from nomaflow.errors import Unreachable
from nomaflow.live.door import LiveDoor
from nomaflow.log import FactLog

cli = typer.Typer()

TICK_SECONDS = 1.0
log = FactLog()


@cli.command()
def serve(
    *,
    home: HomeOption = HERE,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(envvar="NOMAFLOW_PORT", help="Port to listen on.", min=0)
    ] = None,
) -> None:
    """Keep the schedules, execute runs and answer the API until stopped."""
    gc.disable()  # what a start makes stays, so there is nothing to collect before it is done
    app = App.build(home)
    for problem in app.catalogue.problems:
        log.warning("catalogue_problem", problem=str(problem))
    server = app.settings.server
    host, port = host or server.host, server.port if port is None else port
    with _listening(host, port) as listener:
        complete(_serve(app, host, listener))


async def _serve(app: App, host: str, listener: socket.socket) -> None:
    """Open the engine, then answer; at Ctrl-C or SIGTERM close both, in the other order."""
    http = http_app_of(app, host=host)
    config = uvicorn.Config(http, lifespan="off", log_config=None, access_log=False)
    with interrupts(app.hurry.set) as interrupted, _reloading_on_hangup(app):
        async with http.router.lifespan_context(http):
            port = listener.getsockname()[1]
            log.info("server_started", host=host, port=port, jobs=len(app.catalogue.jobs))
            gc.freeze()  # nor is it looked at later, which would hold up whatever runs then
            gc.enable()
            if not interrupted.is_set():
                await _Server(config, http.state.live, interrupted, app.clock).serve([listener])
            log.info("server_stopping", seconds=app.settings.runner.drain_seconds)


@contextmanager
def _reloading_on_hangup(app: App) -> Iterator[None]:
    """While the context is open, SIGHUP lets the files be read again."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, app.watcher.hurry)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


class _Server(uvicorn.Server):
    """Ends when `interrupted` is set; signals are heard by whoever sets it, not here.

    It parts from the live clients first: one that waits for events would hold up the end.
    """

    def __init__(
        self, config: uvicorn.Config, live: LiveDoor, interrupted: asyncio.Event, clock: Clock
    ) -> None:
        super().__init__(config)
        self._live = live
        self._interrupted = interrupted
        self._clock = clock

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Look once a second, for the Date header: the end is heard, not looked for."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(until_next(self._clock, TICK_SECONDS)):
                    await self._interrupted.wait()

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._interrupted.is_set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._live.close()
        await super().shutdown(sockets)


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=_family(host), backlog=2048)
    except OSError as error:
        raise Unreachable(
            f"Cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}. "
            "Stop what uses the port, or choose another with --port."
        ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
