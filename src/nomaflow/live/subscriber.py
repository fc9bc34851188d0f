"""One connection: what it asked for, what it is still to be told, and the task that tells it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from nomaflow.domain.job import JobId
from nomaflow.domain.run import LogLine, Progress, Run, RunId, StepRun
from nomaflow.errors import NotFound
from nomaflow.log import FactLog
from nomaflow.services.views import View, log_line, run_summary, step_run

LINES_PER_READ = 500
BYTES_PER_BATCH = 256 * 1024
PAUSE_SECONDS = 0.05
RETRY_SECONDS = 1.0

Send = Callable[[str, View], Awaitable[None]]
"""Sends one event; returns when the client has taken all but the last of those before."""
ReadLines = Callable[[RunId, int, int], Awaitable[Sequence[LogLine]]]
"""Up to so many stored lines of the run with a number above the given one."""

log = FactLog()


@dataclass
class FollowedLog:
    """How far a log was told: up to the line of this number."""

    after: int


class Subscriber:
    """Hears everything, keeps what was asked for, and tells it at the client's own pace.

    What waits is bounded: of each thing only its latest state, and of a log only the number of
    the last line that was told; the lines themselves wait in the store.
    """

    def __init__(self, send: Send, read: ReadLines) -> None:
        self._send = send
        self._read = read
        self._hears_all = False
        self._jobs: set[JobId] = set()
        self._logs: dict[RunId, FollowedLog] = {}
        self._waiting: dict[tuple[object, ...], tuple[str, View]] = {}
        self._ended: dict[RunId, View] = {}
        self._stale: set[RunId] = set()
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._tell_forever())

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})

    def follow_run(self, run: Run, after: int) -> None:
        """Tell the run as it stands, its lines with a number above `after`, and what follows."""
        self._logs[run.id] = FollowedLog(after)
        self.run_changed(run)

    def follow_job(self, job_id: JobId) -> None:
        self._jobs.add(job_id)

    def follow_catalogue(self) -> None:
        self._hears_all = True

    def leave_run(self, run_id: RunId) -> None:
        self._logs.pop(run_id, None)

    def leave_job(self, job_id: JobId) -> None:
        self._jobs.discard(job_id)

    def leave_catalogue(self) -> None:
        self._hears_all = False

    def run_changed(self, run: Run) -> None:
        self.lines_logged(run.id)
        if not self._wants(run.id, run.job_id):
            return
        if run.state.is_final and run.id in self._logs:
            self._waiting.pop(("run", run.id), None)
            self._ended[run.id] = run_summary(run)
        else:
            self._put(("run", run.id), "run.changed", run_summary(run))

    def step_changed(self, job_id: JobId, step: StepRun) -> None:
        if self._wants(step.run_id, job_id):
            told = {"run_id": step.run_id, "job_id": job_id, "index": step.index, **step_run(step)}
            self._put(("step", step.run_id, step.index), "step.changed", told)

    def step_progressed(self, run_id: RunId, step: str, progress: Progress) -> None:
        if run_id in self._logs:
            told = {"run_id": run_id, "step": step, "done": progress.done, "total": progress.total}
            self._put(("progress", run_id, step), "step.progress", told)

    def catalogue_changed(self) -> None:
        if self._hears_all:
            self._put(("catalogue",), "catalogue.changed", {})

    def lines_logged(self, run_id: RunId) -> None:
        """There may be lines that were not told yet."""
        if run_id in self._logs:
            self._stale.add(run_id)
            self._wake.set()

    def _wants(self, run_id: RunId, job_id: JobId) -> bool:
        return self._hears_all or job_id in self._jobs or run_id in self._logs

    def _put(self, key: tuple[object, ...], event: str, told: View) -> None:
        self._waiting[key] = event, told
        self._wake.set()

    async def _tell_forever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                is_behind = await self._tell()
                await asyncio.sleep(0 if is_behind else PAUSE_SECONDS)
            except Exception:
                log.exception("telling_failed")
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()

    async def _tell(self) -> bool:
        """All that changed, then some lines of each log; the end of a run after its last line.

        Whether more lines are stored than were told.
        """
        await self._tell_changes()
        is_behind = [await self._tell_lines(run_id) for run_id in tuple(self._stale)]
        if self._stale:
            self._wake.set()
        return any(is_behind)

    async def _tell_changes(self) -> None:
        """What waits now; each may be superseded or told by then."""
        for key in tuple(self._waiting):
            if change := self._waiting.pop(key, None):
                await self._send(*change)

    async def _tell_lines(self, run_id: RunId) -> bool:
        self._stale.discard(run_id)
        ended = self._ended.get(run_id)
        followed = self._logs.get(run_id)
        if followed is not None and await self._tell_some(run_id, followed):
            self._stale.add(run_id)
            return True
        if ended is not None and self._ended.pop(run_id, None) is not None:
            await self._tell_changes()  # the ends of its steps, which may have come meanwhile
            await self._send("run.changed", ended)
        return False

    async def _tell_some(self, run_id: RunId, followed: FollowedLog) -> bool:
        """Whether there may be more. A client that asked again meanwhile is told from there."""
        try:
            lines = await self._read(run_id, followed.after, LINES_PER_READ)
        except NotFound:  # the run was deleted, and its log with it
            self.leave_run(run_id)
            return False
        except Exception:
            self._stale.add(run_id)
            raise
        for batch in _batches(lines):
            if self._logs.get(run_id) is not followed:
                return run_id in self._logs
            await self._send("run.log", {"run_id": run_id, "lines": [log_line(x) for x in batch]})
            followed.after = batch[-1].seq
        return len(lines) == LINES_PER_READ


def _batches(lines: Sequence[LogLine]) -> Iterator[list[LogLine]]:
    """The lines in order, in packets that a client takes."""
    batch: list[LogLine] = []
    size = 0
    for line in lines:
        if batch and size + len(line.message) > BYTES_PER_BATCH:
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line.message)
    if batch:
        yield batch
