"""How an instance comes up and goes down: in what order its actors start, and stop again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nomaflow.app import App
from nomaflow.maintenance.reconciler import RECONCILE_SECONDS
from nomaflow.maintenance.rounds import rounds
from nomaflow.maintenance.tracer import Tracer
from nomaflow.maintenance.watcher import WATCH_SECONDS
from nomaflow.queue.executors.registry import ExecutorKinds


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[None]:
    """The whole service: store, runs, and schedules if this process keeps them."""
    async with app.store(), executing(app, "server"), _scheduling(app), _watching(app):
        app.is_ready = True
        try:
            yield
        finally:
            app.is_ready = False


@asynccontextmanager
async def executing(app: App, kind: str) -> AsyncIterator[None]:
    """This process executes runs; at the end it waits for those in flight, then cancels them.

    Inside `app.store()`. `kind` names the process in the store: `server`, `cli`. A `cli` executes
    its own run alone: it does not stay for others.
    """
    async with _tracing(app), _executing(app, kind):
        yield


@asynccontextmanager
async def _executing(app: App, kind: str) -> AsyncIterator[None]:
    await app.presence.open(kind)
    await app.bodies.forget_ended(app.stored.runs)
    app.run_writer.start()
    executor = (
        await ExecutorKinds.discover()
        .find(app.settings.executor.kind)
        .start(app.executor_parts(takes_any=kind != "cli"), app.runner.handle)
    )
    try:
        yield
    finally:
        await executor.stop()
        deadline = app.settings.runner.drain_seconds
        await app.runner.stop(deadline_seconds=deadline, hurry=app.hurry)
        await app.hosts.close()
        app.connectors.close()
        await app.run_writer.stop()
        await app.presence.close()


@asynccontextmanager
async def _tracing(app: App) -> AsyncIterator[None]:
    """Runs that end here are told as traces, if that is wanted."""
    provider = app.tracer_provider
    if provider is None:
        yield
        return
    tracer = Tracer(
        provider, app.stored.runs, app.bus, lambda run: app.options_of(run).trace_parent
    )
    tracer.start()
    try:
        yield
    finally:
        await tracer.stop()


@asynccontextmanager
async def _scheduling(app: App) -> AsyncIterator[None]:
    if not app.settings.scheduler.enabled:
        yield
        return
    await app.scheduler.start()
    app.keeps_schedules = True
    try:
        async with rounds("The reconciler", app.reconciler.look, app.clock, RECONCILE_SECONDS):
            yield
    finally:
        app.keeps_schedules = False
        await app.scheduler.stop()


@asynccontextmanager
async def _watching(app: App) -> AsyncIterator[None]:
    """Changed files are taken over while the service runs."""
    await app.catalogue_keeper.keep_texts()
    async with rounds("The file watcher", app.watcher.look, app.clock, WATCH_SECONDS):
        yield
