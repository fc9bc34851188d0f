"""The use case of a step that calls a job: start its run, wait for its end, take it along."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from nomaflow.domain.calls import CalledRun, JobCall
from nomaflow.domain.events import RunsQueued
from nomaflow.domain.job import JobId
from nomaflow.domain.run import NewRun, ProcessId, RunId
from nomaflow.domain.states import RunState
from nomaflow.errors import NomaflowError, Refused
from nomaflow.events.bus import Bus
from nomaflow.history.runs import RunHistory
from nomaflow.queue.called import CalledRuns
from nomaflow.services.runs import Runs

NOT_AGAIN = {RunState.QUEUED, RunState.RUNNING, RunState.SUCCEEDED}
"""The states in which an earlier attempt's run is taken instead of a new one."""


class Calls:
    """Keeps the contract of `JobCaller`.

    The run is reserved for this process: it executes where its caller does.
    """

    def __init__(
        self,
        runs: Callable[[], Runs],
        history: RunHistory,
        called: CalledRuns,
        process_id: Callable[[], ProcessId],
        bus: Bus,
    ) -> None:
        self._runs = runs
        self._history = history
        self._called = called
        self._process_id = process_id
        self._bus = bus

    async def call(self, call: JobCall, begun: Callable[[RunId], None]) -> CalledRun:
        callers = (*self._called.callers_of(call.run_id), call.caller)
        if call.job_id in callers:
            raise Refused(f"Job '{call.job_id}' waits for this run: it cannot be called from here.")
        starting = asyncio.ensure_future(self._run_for(call))
        try:
            run_id = await asyncio.shield(starting)
            begun(run_id)
            return await self._ended(run_id, callers)
        except asyncio.CancelledError:
            with suppress(NomaflowError):
                await self._take_along(await starting, call)
            raise

    async def _run_for(self, call: JobCall) -> RunId:
        """A new run; one that an interrupted attempt of the step began is taken over."""
        if call.attempt > 1:
            before = await self._history.last_of(call.job_id, call.trigger_id)
            if before is not None and before.state in NOT_AGAIN:
                return before.id
        new = NewRun(
            job_id=call.job_id,
            triggered_by=f"job:{call.caller}",
            trigger_id=call.trigger_id,
            reserved_for=self._process_id(),
            on_behalf_of=call.session_user,
        )
        return await self._runs().start_called(new, call.params)

    async def _ended(self, run_id: RunId, callers: tuple[JobId, ...]) -> CalledRun:
        with self._called.awaited(run_id, callers):
            self._bus.publish(RunsQueued())  # once more, now that it needs no slot
            run = await self._runs().wait(run_id)
        return CalledRun(run_id, run.state, run.reason)

    async def _take_along(self, run_id: RunId, call: JobCall) -> None:
        """Cancel the called run and wait for its end, unless it has ended or is lost to us."""
        run = await self._history.get(run_id)
        if run.owner in (None, self._process_id()):
            await self._runs().cancel(run_id, by=f"run {call.run_id}, which called it")
            await self._runs().wait(run_id)
