"""The actor that takes claimed runs through their steps, and hears that one is to stop."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from nomaflow.domain.course import Ending, StopReason
from nomaflow.domain.events import CancelRequested, ProcessLost, RunChanged, RunFinished
from nomaflow.domain.job import Job
from nomaflow.domain.run import RESUME, LogLine, ProcessId, Run, RunId
from nomaflow.domain.states import RunState
from nomaflow.errors import NotFound
from nomaflow.history.changes import Change, OpenStepsFailed, RunEnded
from nomaflow.history.runs import Opening
from nomaflow.log import FactLog
from nomaflow.runner import wording
from nomaflow.runner.execute import Execution, HeldRun, Postponed, RunLost
from nomaflow.runner.parts import RunnerParts
from nomaflow.runner.stop import StopSignal

CANCEL_POLL_SECONDS = 0.5
INTERNAL = "internal error: see the server's log"
log = FactLog()


class Runner:
    """Executes runs that an executor claimed; `handle` is called once per claimed run."""

    def __init__(self, parts: RunnerParts, owner: Callable[[], ProcessId]) -> None:
        self._parts = parts
        self._owner = owner
        self._held: dict[RunId, HeldRun] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._busy = asyncio.Event()
        self._hearing = asyncio.Event()
        self._unsubscribe = (
            parts.bus.subscribe(CancelRequested, lambda _: self._hearing.set()),
            parts.bus.subscribe(ProcessLost, lambda _: self._ask_all(StopReason("lost"))),
        )
        self._watch = asyncio.create_task(self._watch_cancels())

    async def handle(self, run: Run) -> None:
        """Take a claimed run to its end, whatever happens on the way."""
        held = self._held[run.id] = self._hold(run)
        self._idle.clear()
        self._busy.set()
        try:
            await self._execute(held)
        except RunLost:
            log.warning("run_lost", run_id=run.id, attempt=run.attempt)
        except Postponed:
            pass
        except Exception:
            log.exception("run_failed_inside", run_id=run.id, job_id=run.job_id)
            await self._close_broken(held, INTERNAL)
        finally:
            del self._held[run.id]
            if not self._held:
                self._idle.set()
                self._busy.clear()
            self._parts.bus.publish(RunChanged(run.id))

    async def stop(self, *, deadline_seconds: float, hurry: asyncio.Event) -> None:
        """Wait for the runs in flight, cancel what is left at the deadline, and stop hearing.

        `hurry` is the deadline too, whenever it is set.
        """
        idle, hurried = (asyncio.ensure_future(event.wait()) for event in (self._idle, hurry))
        both = {idle, hurried}
        await asyncio.wait(both, timeout=deadline_seconds, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not idle.done():
            self._ask_all(StopReason("cancel", "shutdown"))
            self._parts.writer.give_up()
            await idle
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._watch.cancel()
        await asyncio.wait({self._watch})

    def _hold(self, run: Run) -> HeldRun:
        stop = StopSignal()
        record = self._parts.writer.record(run.fence, lambda: stop.ask(StopReason("lost")))
        return HeldRun(run, record, stop)

    async def _execute(self, held: HeldRun) -> None:
        run = held.run
        self._parts.bus.publish(RunChanged(run.id))
        job = await self._parts.writer.patiently(lambda: self._parts.job(run))
        opening = await self._opening(run, job)
        held.record.goes_on_after(opening.last_seq)
        if job is not None and not fits(opening, job):
            await self._close_broken(held, f"the steps of job '{job.id}' changed since it began")
            return
        if job is None:
            await self._close_broken(
                held, f"job '{run.job_id}' is broken or no longer in the catalogue"
            )
            return
        self._say(held, wording.run_started(run))
        wall = self._arm_wall(held, job)
        try:
            await self._walk(held, job, opening)
        finally:
            wall.cancel()

    async def _walk(self, held: HeldRun, job: Job, opening: Opening) -> None:
        options = self._parts.options(held.run)
        execution = Execution(held, job, options, self._parts, opening)
        ending, changes = await execution.to_the_end()
        await self._close(held, ending, *changes)
        execution.publish_moves()

    async def _opening(self, run: Run, job: Job | None) -> Opening:
        """What is known before; of a fresh run nothing is, and nobody needs to ask."""
        if is_fresh(run) and (job is None or not job.names_previous_success):
            return Opening()
        return await self._parts.writer.patiently(lambda: self._parts.history.opening(run))

    def _arm_wall(self, held: HeldRun, job: Job) -> asyncio.TimerHandle:
        started_at = held.run.started_at or self._parts.clock.now()
        wall = started_at + timedelta(seconds=job.run_timeout_seconds)
        left = max(0.0, (wall - self._parts.clock.now()).total_seconds())
        loop = asyncio.get_running_loop()
        return loop.call_later(left, held.stop.ask, StopReason("timeout"))

    async def _close_broken(self, held: HeldRun, reason: str) -> None:
        """End a run that cannot go on, and whatever of it is open, as soon as the store takes it.

        Its lines are given up when they may be what the store refuses.
        """
        while not await self._is_closed(held, reason):
            held.record.mute()
            await self._parts.writer.pause()

    async def _is_closed(self, held: HeldRun, reason: str) -> bool:
        """Whether nothing is left to do; at the end of this process the next one rescues."""
        now = self._parts.clock.now()
        try:
            await self._close(held, Ending(RunState.FAILED, reason), OpenStepsFailed(reason, now))
        except RunLost:
            log.warning("run_lost", run_id=held.run.id, attempt=held.run.attempt)
        except Exception:
            if not held.record.is_mute:
                log.exception("run_not_closed", run_id=held.run.id, job_id=held.run.job_id)
            return self._parts.writer.is_giving_up
        return True

    async def _close(self, held: HeldRun, ending: Ending, *changes: Change) -> None:
        """Write the run's end together with `changes`. Raises RunLost."""
        if not await self._ended(held, ending, *changes):
            ending = await self._accepted_cancel(held)
            if not await self._ended(held, ending, *changes):
                raise RunLost
        run = held.run
        self._parts.bus.publish(RunFinished(run.id))
        self._parts.bodies.forget(run.id)
        if ending.state is not RunState.SUCCEEDED:
            log.warning("run_ended", run_id=run.id, job_id=run.job_id, state=ending.state.value)

    async def _ended(self, held: HeldRun, ending: Ending, *changes: Change) -> bool:
        """Whether the run has this end now; one whose answer was lost counts."""
        run, now = held.run, self._parts.clock.now()
        self._say(held, wording.run_ended(ending, (now - run_began(run)).total_seconds()))
        end = RunEnded(ending.state, ending.reason, now)
        if await held.record.write(*changes, end):
            return True
        stored = await self._stored(held)
        return stored.fence == run.fence and stored.finished_at == now

    async def _accepted_cancel(self, held: HeldRun) -> Ending:
        """A cancel was accepted after the last step ended: the promise to cancel is kept."""
        stored = await self._stored(held)
        if stored.fence != held.run.fence or stored.cancel_requested_by is None:
            raise RunLost
        return Ending(RunState.CANCELED, str(StopReason("cancel", stored.cancel_requested_by)))

    async def _stored(self, held: HeldRun) -> Run:
        """The run as the store has it. Raises RunLost when it was deleted."""
        run_id = held.run.id
        try:
            return await self._parts.writer.patiently(lambda: self._parts.history.get(run_id))
        except NotFound:
            raise RunLost from None

    def _say(self, held: HeldRun, message: str) -> None:
        held.record.add(LogLine(self._parts.clock.now(), "INFO", message))

    def _ask_all(self, reason: StopReason) -> None:
        for held in self._held.values():
            held.stop.ask(reason)

    async def _watch_cancels(self) -> None:
        while True:
            await self._busy.wait()
            try:
                async with asyncio.timeout(CANCEL_POLL_SECONDS):
                    await self._hearing.wait()
            except TimeoutError:
                pass
            self._hearing.clear()
            try:
                await self._ask_stops()
            except Exception:
                log.exception("cancel_watch_failed")

    async def _ask_stops(self) -> None:
        for run_id, by in await self._parts.queue.cancel_requests(self._owner()):
            if run_id in self._held:
                self._held[run_id].stop.ask(StopReason("cancel", by))


def fits(opening: Opening, job: Job) -> bool:
    """Whether what was planned before is what the job does."""
    planned = [(step.name, step.type) for step in opening.steps]
    return not planned or planned == [(step.name, step.type) for step in job.steps]


def is_fresh(run: Run) -> bool:
    """Whether nothing of the run was done before this claim; parameters may bring tokens along."""
    return run.attempt == 1 and run.options is None and not run.triggered_by.startswith(RESUME)


def run_began(run: Run) -> datetime:
    return run.started_at or run.created_at
