"""Hosts of this process: threads and the event loop, and how attempts in them are stopped."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from nomaflow.connectors.base import ConnectorSettings
from nomaflow.connectors.registry import Connectors, ConnectorTypes
from nomaflow.errors import NotFound, StepFailed, StepRefused
from nomaflow.runner.hosts.base import AttemptRequest
from nomaflow.runner.hosts.cancellation import Cancellation
from nomaflow.runner.hosts.event_loop import EventLoopHost
from nomaflow.runner.hosts.hosts import Hosts
from nomaflow.runner.hosts.thread import ThreadHost
from nomaflow.steps.base import HostKind, StepSpec
from nomaflow.steps.context import StepContext, StepFacts
from nomaflow.steps.registry import StepTypes

GRACE = 0.05


class Doing:
    """A step type that does what a test says."""

    name: ClassVar[str] = "doing"
    title: ClassVar[str] = "Doing"
    params_field: ClassVar[str | None] = None
    literal_fields: ClassVar[frozenset[str]] = frozenset()
    Spec = StepSpec

    def __init__(self, host: HostKind, work: Callable[[StepContext], Any]) -> None:
        self.host = host
        self._work = work

    def run(self, spec: StepSpec, ctx: StepContext) -> Any:
        return self._work(ctx)


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.loops: set[Any] = set()

    def log(self, level: str, message: str, source: str, at: datetime) -> None:
        self.lines.append(f"{level} {message}")
        self.loops.add(asyncio.get_running_loop())

    def progress(self, done: int, total: int | None) -> None:
        self.lines.append(f"{done} of {total}")


def _no_settings(name: str) -> ConnectorSettings:
    raise NotFound(f"No connector '{name}'.")


async def executed(
    host: HostKind, work: Callable[[StepContext], Any], heard: Heard | None = None
) -> Any:
    connectors = Connectors(_no_settings, ConnectorTypes({}))
    hosts = Hosts(
        StepTypes({"doing": Doing(host, work)}),
        {
            "thread": ThreadHost(connectors, grace_seconds=GRACE),
            "event_loop": EventLoopHost(connectors, grace_seconds=GRACE),
        },
    )
    facts = StepFacts(1, "job", "step", 0, 1, "cron", datetime(2026, 1, 1, tzinfo=UTC))
    return await hosts.run(AttemptRequest("doing", StepSpec(), facts), heard or Heard())


async def test_a_thread_tells_its_lines_in_order_and_on_the_loop() -> None:
    def work(ctx: StepContext) -> dict[str, int]:
        for number in range(30_000):
            ctx.log.info("%d", number)
        ctx.progress(30_000)
        return {"lines": 30_000}

    heard = Heard()
    assert await executed("thread", work, heard) == {"lines": 30_000}
    assert heard.lines == [*(f"INFO {n}" for n in range(30_000)), "30000 of None"]
    assert heard.loops == {asyncio.get_running_loop()}


@pytest.mark.parametrize("host", ["thread", "event_loop"])
async def test_a_foreign_error_arrives_with_type_and_traceback(host: HostKind) -> None:
    def work(ctx: StepContext) -> Any:
        raise ValueError("no such month")

    async def later(ctx: StepContext) -> Any:
        work(ctx)

    with pytest.raises(StepFailed, match="no such month") as failure:
        await executed(host, work if host == "thread" else later)
    assert failure.value.type == "ValueError"
    assert "test_hosts_here.py" in (failure.value.traceback or "")


async def test_an_error_of_ours_stays_what_it_is() -> None:
    def work(ctx: StepContext) -> Any:
        raise StepRefused("not today")

    with pytest.raises(StepRefused, match="not today"):
        await executed("thread", work)


async def test_an_output_that_is_no_mapping_fails() -> None:
    with pytest.raises(StepFailed, match="returns a mapping, got int"):
        await executed("thread", lambda ctx: 3)


async def test_a_cancel_calls_the_hook_and_waits_for_the_thread() -> None:
    started, ended = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work(ctx: StepContext) -> dict[str, bool]:
        asked = threading.Event()
        with ctx.on_cancel(asked.set):
            loop.call_soon_threadsafe(started.set)
            asked.wait()
        assert ctx.is_cancelled()
        ended.set()
        return {}

    running = asyncio.create_task(executed("thread", work))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended.is_set()


def test_a_hook_is_called_again_until_its_work_ends() -> None:
    cancellation, calls, done = Cancellation(), [], threading.Event()

    def hook() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("no route")
        done.set()

    with cancellation.on_cancel(hook):
        cancellation.ask()
        assert done.wait(5)
    cancellation.end()


async def test_a_thread_that_does_not_end_is_abandoned_and_heard_no_more() -> None:
    started, released, told = asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work(ctx: StepContext) -> dict[str, bool]:
        loop.call_soon_threadsafe(started.set)
        released.wait()
        ctx.log.info("too late")
        told.set()
        return {}

    heard = Heard()
    running = asyncio.create_task(executed("thread", work, heard))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    released.set()
    await asyncio.to_thread(told.wait)
    assert heard.lines == []


async def test_a_task_on_the_loop_is_cancelled() -> None:
    started, cleaned = asyncio.Event(), asyncio.Event()

    async def work(ctx: StepContext) -> Any:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    running = asyncio.create_task(executed("event_loop", work))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert cleaned.is_set()
