"""The actor that takes claimed runs through their steps, and hears that one is to stop."""

import asyncio
from datetime import timedelta

import structlog

from nomaflow.domain.course import Ending, StopReason
from nomaflow.domain.events import CancelRequested, RunChanged
from nomaflow.domain.job import Job
from nomaflow.domain.run import LogLine, ProcessId, Run, RunId
from nomaflow.domain.states import RunState
from nomaflow.runner import wording
from nomaflow.runner.execute import Execution, Postponed, RunLost
from nomaflow.runner.parts import RunnerParts
from nomaflow.runner.stop import StopSignal

CANCEL_POLL_SECONDS = 0.5
log = structlog.get_logger()


class Runner:
    """Executes runs that an executor claimed; `handle` is called once per claimed run."""

    def __init__(self, parts: RunnerParts, owner: ProcessId) -> None:
        self._parts = parts
        self._owner = owner
        self._signals: dict[RunId, StopSignal] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._hearing = asyncio.Event()
        self._unsubscribe = parts.bus.subscribe(CancelRequested, lambda _: self._hearing.set())
        self._watch = asyncio.create_task(self._watch_cancels())

    async def handle(self, run: Run) -> None:
        """Take a claimed run to its end, whatever happens on the way."""
        signal = self._signals[run.id] = StopSignal()
        self._idle.clear()
        self._hearing.set()
        try:
            await self._execute(run, signal)
        except Exception:
            log.exception("run_failed_inside", run_id=run.id, job_id=run.job_id)
            await self._close(run, Ending(RunState.FAILED, "internal error: see the server's log"))
        finally:
            del self._signals[run.id]
            if not self._signals:
                self._idle.set()

    async def stop(self, *, deadline_seconds: float) -> None:
        """Wait for the runs in flight, cancel what is left at the deadline, and stop hearing."""
        try:
            async with asyncio.timeout(deadline_seconds):
                await self._idle.wait()
        except TimeoutError:
            for signal in self._signals.values():
                signal.ask(StopReason("cancel", "shutdown"))
            await self._idle.wait()
        self._unsubscribe()
        self._watch.cancel()
        await asyncio.wait({self._watch})

    async def _execute(self, run: Run, signal: StopSignal) -> None:
        self._parts.bus.publish(RunChanged(run.id))
        job = self._parts.job(run.job_id)
        if job is None:
            reason = f"job '{run.job_id}' is broken or no longer in the catalogue"
            await self._close(run, Ending(RunState.FAILED, reason))
            return
        self._say(run, wording.run_started(run))
        wall = self._arm_wall(run, job, signal)
        try:
            ending = await Execution(
                run, job, self._parts.options(run), self._parts, signal
            ).to_the_end()
        except RunLost:
            log.warning("run_lost", run_id=run.id, attempt=run.attempt)
        except Postponed:
            self._parts.bus.publish(RunChanged(run.id))
        else:
            await self._close(run, ending)
        finally:
            wall.cancel()

    def _arm_wall(self, run: Run, job: Job, signal: StopSignal) -> asyncio.TimerHandle:
        started_at = run.started_at or self._parts.clock.now()
        wall = started_at + timedelta(seconds=job.run_timeout_seconds)
        left = max(0.0, (wall - self._parts.clock.now()).total_seconds())
        loop = asyncio.get_running_loop()
        return loop.call_later(left, signal.ask, StopReason("timeout"))

    async def _close(self, run: Run, ending: Ending) -> None:
        await self._say_end(run, ending)
        if not await self._parts.queue.finish(run.fence, ending.state, ending.reason):
            await self._close_canceled(run)
        if ending.state is not RunState.SUCCEEDED:
            log.warning("run_ended", run_id=run.id, job_id=run.job_id, state=ending.state.value)
        self._parts.bus.publish(RunChanged(run.id))

    async def _close_canceled(self, run: Run) -> None:
        """A cancel was accepted after the last step ended: the promise to cancel is kept."""
        stored = await self._parts.history.get(run.id)
        if stored.fence != run.fence or stored.cancel_requested_by is None:
            log.warning("run_lost", run_id=run.id, attempt=run.attempt)
            return
        ending = Ending(RunState.CANCELED, str(StopReason("cancel", stored.cancel_requested_by)))
        await self._say_end(run, ending)
        await self._parts.queue.finish(run.fence, ending.state, ending.reason)

    async def _say_end(self, run: Run, ending: Ending) -> None:
        since = run.started_at or run.created_at
        seconds = (self._parts.clock.now() - since).total_seconds()
        self._say(run, wording.run_ended(ending, seconds))
        await self._parts.log.flush()

    def _say(self, run: Run, message: str) -> None:
        self._parts.log.add(run.id, LogLine(self._parts.clock.now(), "INFO", message))

    async def _watch_cancels(self) -> None:
        while True:
            try:
                async with asyncio.timeout(CANCEL_POLL_SECONDS if self._signals else None):
                    await self._hearing.wait()
            except TimeoutError:
                pass
            self._hearing.clear()
            try:
                await self._ask_stops()
            except Exception:
                log.exception("cancel_watch_failed")

    async def _ask_stops(self) -> None:
        for run_id, by in await self._parts.queue.cancel_requests(self._owner):
            if run_id in self._signals:
                self._signals[run_id].ask(StopReason("cancel", by))
