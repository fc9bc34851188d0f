"""Attempts in threads of this process: for drivers that have a cancel recipe."""

import asyncio
from functools import partial
from typing import Any

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
from nomaflow.runner.hosts.cancellation import Cancellation
from nomaflow.runner.hosts.crew import Crew
from nomaflow.runner.hosts.failures import as_failure
from nomaflow.runner.hosts.local_port import LocalPort
from nomaflow.runner.hosts.mailbox import Mailbox
from nomaflow.steps.base import Output, StepType
from nomaflow.steps.context import StepContext

log = FactLog()


class ThreadHost:
    """Each attempt has a thread of its own. One that does not stop is abandoned, and said so."""

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
        self._crew = Crew()

    async def run(self, step: StepType[Any], request: AttemptRequest, listener: Listener) -> Output:
        loop = asyncio.get_running_loop()
        mailbox = Mailbox(loop)
        port = LocalPort(listener, self._connectors, self._clock, mailbox.put)
        ended: asyncio.Future[Output] = loop.create_future()
        work = partial(_execute, partial(step.run, request.spec), request, port, mailbox, ended)
        self._crew.take(work, name=f"step {request.facts.step_name}")
        try:
            await asyncio.wait({ended})
        except asyncio.CancelledError:
            await uninterrupted(self._stop(request, port.cancellation, ended))
            raise
        finally:
            port.cancellation.end()
            mailbox.close()
        return ended.result()

    async def close(self) -> None:
        """Let the threads go; an attempt's work ended with its task, or was abandoned."""
        self._crew.dismiss()

    async def _stop(
        self, request: AttemptRequest, cancellation: Cancellation, ended: asyncio.Future[Output]
    ) -> None:
        cancellation.ask()
        await asyncio.wait({ended}, timeout=self._grace_seconds)
        if ended.done():
            ended.exception()
        else:
            ended.cancel()
            facts = request.facts
            log.warning("thread_abandoned", run_id=facts.run_id, step=facts.step_name)


def _execute(
    run: partial[Any],
    request: AttemptRequest,
    port: LocalPort,
    mailbox: Mailbox,
    ended: asyncio.Future[Output],
) -> None:
    try:
        output = as_output(run(StepContext(request.facts, port)))
        mailbox.put(partial(_settle, ended, output=output))
    except BaseException as error:  # noqa: BLE001  # whatever it is, it ends this attempt alone
        mailbox.put(partial(_settle, ended, failure=as_failure(error)))


def _settle(
    ended: asyncio.Future[Output],
    *,
    output: Output | None = None,
    failure: Exception | None = None,
) -> None:
    if ended.done():
        return
    if failure is not None:
        ended.set_exception(failure)
    else:
        ended.set_result(output or {})
