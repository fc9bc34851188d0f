"""The log writer: masks lines, gathers them, and stores them in batches."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from nomaflow.domain.events import LinesLogged
from nomaflow.domain.run import LogLine, RunId
from nomaflow.errors import NotFound
from nomaflow.events.bus import Bus
from nomaflow.history.logs import LogHistory

FLUSH_SECONDS = 0.2
FLUSH_BYTES = 64 * 1024
log = structlog.get_logger()


class LogWriter:
    """Every line of every run in this process goes through here, and is masked here.

    A line is stored at most 200 ms after it was added, sooner when 64 KiB wait. Lines that the
    store did not take stay and are offered again.
    """

    def __init__(self, logs: LogHistory, bus: Bus, redact: Callable[[str], str]) -> None:
        self._logs = logs
        self._bus = bus
        self._redact = redact
        self._waiting: dict[RunId, list[LogLine]] = {}
        self._bytes = 0
        self._filled = asyncio.Event()
        self._full = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._loop = asyncio.create_task(self._flush_forever())

    async def stop(self) -> None:
        if self._loop:
            self._loop.cancel()
            await asyncio.wait({self._loop})
        await self.flush()

    def add(self, run_id: RunId, line: LogLine) -> None:
        """Take a line; it is masked before anything else happens to it."""
        masked = replace(line, message=self._redact(line.message))
        self._waiting.setdefault(run_id, []).append(masked)
        self._bytes += len(masked.message)
        self._filled.set()
        if self._bytes >= FLUSH_BYTES:
            self._full.set()

    async def flush(self) -> None:
        """Store every line that waits; returns when they are durable."""
        async with self._flushing:
            self._filled.clear()
            self._full.clear()
            self._bytes = 0
            await asyncio.gather(*(self._store(run_id) for run_id in tuple(self._waiting)))

    async def _store(self, run_id: RunId) -> None:
        lines = self._waiting.pop(run_id)
        try:
            stored = await self._logs.append(run_id, lines)
        except NotFound:
            log.warning("run_deleted_while_running", run_id=run_id, lines_dropped=len(lines))
            return
        except BaseException:
            self._waiting[run_id] = lines + self._waiting.get(run_id, [])
            self._filled.set()
            raise
        self._bus.publish(LinesLogged(run_id, tuple(stored)))

    async def _flush_forever(self) -> None:
        while True:
            await self._filled.wait()
            await self._gather_more()
            try:
                await self.flush()
            except Exception:
                log.exception("log_flush_failed")

    async def _gather_more(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._full.wait()
        except TimeoutError:
            return
