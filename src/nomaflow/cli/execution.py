"""Executing a run in this process, watched on the terminal; an interrupt cancels it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from nomaflow.app import App
from nomaflow.cli import output
from nomaflow.cli.context import caller
from nomaflow.cli.interrupts import interrupts
from nomaflow.cli.progress import watched
from nomaflow.domain.run import ProcessId, RunId
from nomaflow.errors import Refused
from nomaflow.lifecycle import executing
from nomaflow.services.views import run_detail

Start = Callable[[ProcessId | None], Awaitable[RunId]]
"""Queues a run, reserved for the process that is named."""


async def execute(app: App, start: Start, *, wait: bool) -> dict[str, Any]:
    """The run, handed to the server of this store; executed here with `wait`, or without server.

    Inside `app.store()`.
    """
    if wait or not await app.has_server():
        return await execute_here(app, start)
    run_id = await start(None)
    output.err.print(f"Run {run_id} is queued: the server of this store executes it.")
    return run_detail(*await app.runs.get(run_id))


async def execute_here(app: App, start: Start) -> dict[str, Any]:
    """Execute a run in this process and return it once ended, as `run --json` prints it.

    Inside `app.store()`. Ctrl-C and SIGTERM cancel the run; its end is waited for.
    """
    with interrupts() as interrupted:
        async with executing(app, "cli"):
            run_id = await start(app.process_id)
            with watched(app.bus, run_id):
                canceling = asyncio.create_task(_cancel_when(interrupted, app, run_id))
                await app.runs.wait(run_id)
                canceling.cancel()
            await app.run_writer.flush()
    return run_detail(*await app.runs.get(run_id))


async def _cancel_when(interrupted: asyncio.Event, app: App, run_id: RunId) -> None:
    await interrupted.wait()
    output.err.print("Canceling the run …")
    try:
        await app.runs.cancel(run_id, by=caller())
    except Refused as error:
        output.err.print(str(error))
