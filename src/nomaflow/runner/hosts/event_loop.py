"""Attempts on the event loop: for our own async work, never for user code."""

import asyncio
from collections.abc import Awaitable
from typing import Any, cast

from nomaflow.clock import Clock, SystemClock
from nomaflow.connectors.registry import Connectors
from nomaflow.log import FactLog
from nomaflow.runner.hosts.base import (
    GRACE_SECONDS,
    AttemptRequest,
    Listener,
    as_output,
    uninterrupted,
)
from nomaflow.runner.hosts.failures import as_failure
from nomaflow.runner.hosts.local_port import LocalPort
from nomaflow.steps.base import Output, StepType
from nomaflow.steps.context import StepContext

log = FactLog()


class EventLoopHost:
    """Each attempt is a task. One that swallows its cancel is abandoned, and said so."""

    def __init__(
        self,
        connectors: Connectors,
        *,
        clock: Clock | None = None,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._connectors = connectors
        self._clock = clock or SystemClock()
        self._grace_seconds = grace_seconds

    async def run(self, step: StepType[Any], request: AttemptRequest, listener: Listener) -> Output:
        port = LocalPort(listener, self._connectors, self._clock, lambda call: call())
        task = asyncio.create_task(_execute(step, request, port))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            await uninterrupted(self._stop(request, port, task))
            raise
        finally:
            port.cancellation.end()
        return task.result()

    async def close(self) -> None:
        """Nothing to do: an attempt ends with its task, or was abandoned."""

    async def _stop(
        self, request: AttemptRequest, port: LocalPort, task: asyncio.Task[Output]
    ) -> None:
        port.cancellation.ask()
        task.cancel()
        await asyncio.wait({task}, timeout=self._grace_seconds)
        if not task.done():
            facts = request.facts
            log.warning("task_abandoned", run_id=facts.run_id, step=facts.step_name)
        elif not task.cancelled():
            task.exception()


async def _execute(step: StepType[Any], request: AttemptRequest, port: LocalPort) -> Output:
    work = step.run(request.spec, StepContext(request.facts, port))
    try:
        return as_output(await cast("Awaitable[Output]", work))
    except Exception as error:  # noqa: BLE001  # whatever it is, it ends this attempt alone
        raise as_failure(error) from None
