"""Use cases on runs: start, cancel, wait, read."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from nomaflow.domain.events import CancelRequested, LinesLogged, RunChanged, RunsQueued
from nomaflow.domain.job import Job, JobId
from nomaflow.domain.run import (
    AttemptRun,
    LogLine,
    NewRun,
    ProcessId,
    Run,
    RunId,
    RunOptions,
    StepRun,
    with_preset,
)
from nomaflow.errors import Refused
from nomaflow.events.bus import Bus
from nomaflow.history.calls import Call
from nomaflow.history.logs import LineFilter, LogHistory
from nomaflow.history.pages import RunFilter, RunPage
from nomaflow.history.runs import RunHistory
from nomaflow.queue.run_queue import RunQueue
from nomaflow.services.parameters import without_secrets
from nomaflow.services.views import line_text

POLL_SECONDS = 0.5


@dataclass(frozen=True)
class RunParts:
    """What the use cases on runs work with. `job` raises NotFound, InvalidConfiguration.

    `fitted` holds a run's own values against what its job declares. `trace_parent` names the span
    of whoever asks.
    """

    queue: RunQueue
    history: RunHistory
    logs: LogHistory
    bus: Bus
    job: Callable[[str], Job]
    revision: Callable[[JobId], Awaitable[int | None]]
    pack: Callable[[RunOptions], str | None]
    fitted: Callable[[Job, RunOptions], RunOptions]
    trace_parent: Callable[[], str | None]


class Runs:
    """Starts, cancels, follows and reads runs, for the API and the CLI alike."""

    def __init__(self, parts: RunParts) -> None:
        self._parts = parts

    async def start(
        self,
        job_id: str,
        options: RunOptions,
        *,
        by: str,
        reserved_for: ProcessId | None = None,
        key: str | None = None,
    ) -> RunId:
        """Queue a run by hand.

        Raises NotFound, InvalidConfiguration for a broken job, InvalidParameters, Refused (also
        JobBusy); then nothing was written. A disabled job may be run by hand. `reserved_for`: only
        that process will claim it. `key`: the same caller with the same key gets the same run,
        for a day.
        """
        job = self._parts.job(job_id)
        options = self._parts.fitted(job, with_preset(options, job))
        new = NewRun(job.id, triggered_by=by, reserved_for=reserved_for)
        call = (
            None if key is None else Call(by, key, _request(job_id, without_secrets(job, options)))
        )
        return await self._enqueue(job, new, options, call)

    async def start_called(self, new: NewRun, params: Mapping[str, Any]) -> RunId:
        """Queue a run that a step calls, with parameters over the job's. Raises like `start`."""
        job = self._parts.job(new.job_id)
        return await self._enqueue(job, new, self._parts.fitted(job, RunOptions(params=params)))

    async def _enqueue(
        self, job: Job, new: NewRun, options: RunOptions, call: Call | None = None
    ) -> RunId:
        options = replace(options, trace_parent=self._parts.trace_parent())
        revision_id = await self._parts.revision(job.id)
        new = replace(new, options=self._parts.pack(options), revision_id=revision_id)
        run_id = await self._parts.queue.enqueue(new, overlap=job.overlap, call=call)
        if run_id is None:
            raise Refused(f"Job '{job.id}' was not started: its row exists already.")
        self._parts.bus.publish(RunsQueued())
        self._parts.bus.publish(RunChanged(run_id))
        return run_id

    async def cancel(self, run_id: RunId, *, by: str) -> Run:
        """Ask a run to stop. Raises NotFound, Refused when it is final already."""
        run = await self._parts.queue.request_cancel(run_id, by)
        self._parts.bus.publish(CancelRequested(run_id))
        self._parts.bus.publish(RunChanged(run_id))
        return run

    async def get(self, run_id: RunId) -> tuple[Run, list[StepRun]]:
        """The run and its step runs in order. Raises NotFound."""
        return await self._parts.history.get(run_id), await self._parts.history.steps(run_id)

    async def attempts(self, run_id: RunId) -> list[tuple[str, AttemptRun]]:
        """Every try with the name of its step, in the order of the steps. Raises NotFound."""
        _, steps = await self.get(run_id)
        names = {step.index: step.name for step in steps}
        return [(names[a.index], a) for a in await self._parts.history.attempts(run_id)]

    async def page(self, wanted: RunFilter) -> RunPage:
        """Runs, newest first. Raises Refused for a cursor that is none."""
        return await self._parts.history.page(wanted)

    async def lines(self, run_id: RunId, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
        """Stored lines with a sequence number above `after`. Raises NotFound."""
        await self._parts.history.get(run_id)
        return await self._parts.logs.read(run_id, after=after, limit=limit)

    async def find_lines(
        self, run_id: RunId, wanted: LineFilter, *, count: bool = False
    ) -> tuple[list[LogLine], int | None]:
        """The wanted lines; with `count` how many the whole log has. Raises NotFound."""
        await self._parts.history.get(run_id)
        lines = await self._parts.logs.find(run_id, wanted)
        return lines, await self._parts.logs.matches(run_id, wanted) if count else None

    async def log_text(self, run_id: RunId, wanted: LineFilter) -> AsyncIterator[str]:
        """The stored log as text, a part at a time, however long it is."""
        while lines := await self._parts.logs.find(run_id, wanted):
            yield "".join(map(line_text, lines))
            wanted = replace(wanted, after=lines[-1].seq)

    async def wait(self, run_id: RunId, *, seconds: float | None = None) -> Run:
        """The run once it is final, or as it stands after `seconds`. Raises NotFound."""
        changed = asyncio.Event()
        forget = self._parts.bus.subscribe(RunChanged, lambda _: changed.set())
        try:
            async with asyncio.timeout(seconds):
                while not (run := await self._parts.history.get(run_id)).state.is_final:
                    await _set_within(changed, POLL_SECONDS)
        except TimeoutError:
            return await self._parts.history.get(run_id)
        finally:
            forget()
        return run

    async def follow(
        self, run_id: RunId, show: Callable[[Sequence[LogLine]], None], *, after: int = 0
    ) -> Run:
        """Show the stored lines and then each new one until the run is final; returns the run."""
        logged = asyncio.Event()
        forget = [
            self._parts.bus.subscribe(LinesLogged, lambda _: logged.set()),
            self._parts.bus.subscribe(RunChanged, lambda _: logged.set()),
        ]
        try:
            while True:
                run = await self._parts.history.get(run_id)
                after = await self._show_after(run_id, after, show)
                if run.state.is_final:
                    return run
                await _set_within(logged, POLL_SECONDS)
        finally:
            for end in forget:
                end()

    async def _show_after(
        self, run_id: RunId, after: int, show: Callable[[Sequence[LogLine]], None]
    ) -> int:
        while lines := await self._parts.logs.read(run_id, after=after, limit=1000):
            show(lines)
            after = lines[-1].seq
        return after


def _request(job_id: str, options: RunOptions) -> str:
    """The same short text for the same request."""
    text = json.dumps([job_id, asdict(options)], sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
    event.clear()
