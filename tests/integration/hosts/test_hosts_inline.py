"""Python steps in the application's own process: what they share with it, and how they stop."""

import asyncio
import os
import sys
from collections.abc import Iterator

import pytest
from tests.integration.hosts.stage import Stage, Watcher, cancelled

from nomaflow.errors import StepFailed

PLUGIN = """
import asyncio, os, threading

def where(ctx, **_):
    return {"pid": os.getpid(), "thread": threading.current_thread().name}

async def loop(ctx, **_):
    return id(asyncio.get_running_loop())

async def waits(ctx, **_):
    ctx.log.info("waiting")
    try:
        await asyncio.Event().wait()
    finally:
        ctx.log.info("tidied")

def looks(ctx, **_):
    ctx.log.info("waiting")
    with ctx.on_cancel(stop.set):
        stop.wait()

stop = threading.Event()

def fails(ctx, **_):
    raise LookupError("not there")

async def queries(ctx, **_):
    return {
        "blocking": await ctx.get_connector("db").scalar("SELECT 1"),
        "step": await ctx.run_step("sql_query", connector="db", query="SELECT 2 UNION SELECT 3"),
    }
"""


@pytest.fixture(autouse=True)
def _forgets(stage: Stage) -> Iterator[None]:
    stage.plugin(PLUGIN, "inline_plugin")
    yield
    sys.modules.pop("inline_plugin", None)
    sys.path.remove(str(stage.plugins))


async def test_a_plain_function_has_a_thread_of_this_process(stage: Stage) -> None:
    assert await stage.call_inline("inline_plugin:where") == {
        "pid": os.getpid(),
        "thread": "step step",
    }


async def test_an_async_function_shares_the_applications_event_loop(stage: Stage) -> None:
    output = await stage.call_inline("inline_plugin:loop")
    assert output == {"rows_affected": id(asyncio.get_running_loop())}


@pytest.mark.parametrize("function", ["waits", "looks"])
async def test_a_cancel_reaches_both(stage: Stage, watcher: Watcher, function: str) -> None:
    running = asyncio.create_task(stage.call_inline(f"inline_plugin:{function}", watcher))
    await watcher.line("waiting")
    await cancelled(running)
    assert function == "looks" or await watcher.line("tidied") == ""


async def test_an_exception_is_the_steps_failure(stage: Stage) -> None:
    with pytest.raises(StepFailed, match="not there"):
        await stage.call_inline("inline_plugin:fails")


async def test_connectors_and_steps_are_awaited_on_the_loop(stage: Stage) -> None:
    output = await stage.call_inline("inline_plugin:queries")
    assert output == {"blocking": 1, "step": {"rows_affected": 2}}
