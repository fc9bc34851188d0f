"""All that is written of the runs of this process: lines in batches, changes at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from nomaflow.domain.events import LinesLogged
from nomaflow.domain.run import Fence, LogLine
from nomaflow.errors import Unreachable
from nomaflow.events.bus import Bus
from nomaflow.history.changes import Change, LinesAdded, LogCapped
from nomaflow.history.runs import RunHistory
from nomaflow.history.types import storable
from nomaflow.log import FactLog

T = TypeVar("T")

FLUSH_SECONDS = 0.2
FLUSH_BYTES = 64 * 1024
STORE_PAUSE_SECONDS = 1.0
log = FactLog()


class RunRecord:
    """The pen of one claim: what it writes is in order, and refused once the run is lost.

    A store that is away is waited for: what became of a run is not given up while this process
    lives.
    """

    def __init__(self, writer: "RunWriter", fence: Fence, on_lost: Callable[[], None]) -> None:
        self._writer = writer
        self._fence = fence
        self._on_lost = on_lost
        self._waiting: list[LogLine] = []
        self._last_seq = 0
        self._size = 0
        self.is_mute = False
        self._writing = asyncio.Lock()

    def goes_on_after(self, seq: int) -> None:
        """The number of the last line that is stored, before the first of ours is."""
        self._last_seq = seq

    def add(self, line: LogLine) -> None:
        """Take a line; it is masked before anything else happens to it."""
        if self.is_mute:
            return
        message = storable(self._writer.redact(line.message))
        masked = line if message == line.message else replace(line, message=message)
        self._waiting.append(masked)
        self._size += len(message)
        self._writer.line_waits(self, len(message))

    def mute(self) -> None:
        """Give up the lines that wait and all that come: the store may refuse them for good."""
        if self._waiting:
            log.error("lines_given_up", run_id=self._fence.run_id, lines=len(self._waiting))
        self._waiting.clear()
        self.is_mute = True

    async def write(self, *changes: Change) -> bool:
        """Store the changes and every line that waits, in one transaction.

        False when the run is lost, or the changes are not legal, as an end after an accepted
        cancel: then nothing was stored, and the lines wait on.
        """
        async with self._writing:
            taken = self._numbered()
            if not changes and not taken:  # another write took the lines along
                return True
            if not await self._written(*changes, LinesAdded(taken), *self._cap(taken)):
                return False
            del self._waiting[: len(taken)]
            self._last_seq += len(taken)
        if taken:
            self._writer.bus.publish(LinesLogged(self._fence.run_id, tuple(taken)))
        return True

    async def flush(self) -> None:
        """Store the lines that wait. Those of a lost run are dropped: others write its log."""
        if self._waiting and not await self.write():
            log.warning("late_lines_dropped", run_id=self._fence.run_id, lines=len(self._waiting))
            self._waiting.clear()
            self._on_lost()

    def _cap(self, taken: Sequence[LogLine]) -> Iterator[LogCapped]:
        """Now and then the log is held against its cap: whenever an eighth of it was added."""
        most_bytes = self._writer.most_log_bytes
        if taken and self._size > most_bytes / 8:
            self._size = 0
            yield LogCapped(most_bytes, taken[-1].at)

    async def _written(self, *changes: Change) -> bool:
        return await self._writer.patiently(
            lambda: self._writer.history.write(self._fence, *changes)
        )

    def _numbered(self) -> list[LogLine]:
        first = self._last_seq + 1
        return [line.numbered(seq) for seq, line in enumerate(self._waiting, first)]


class RunWriter:
    """Opens a record for each claimed run, and stores the lines of all of them in time.

    A line is stored at most 200 ms after it was added, sooner when 64 KiB wait. Every line of
    every run in this process is masked here.
    """

    def __init__(
        self, history: RunHistory, bus: Bus, redact: Callable[[str], str], most_log_bytes: int
    ) -> None:
        self.history = history
        self.most_log_bytes = most_log_bytes
        self.bus = bus
        self.redact = redact
        self._filled: set[RunRecord] = set()
        self._bytes = 0
        self._waits = asyncio.Event()
        self._full = asyncio.Event()
        self._giving_up = asyncio.Event()
        self._is_away = False
        self._is_stopping = False
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._loop = asyncio.create_task(self._flush_forever())

    async def stop(self) -> None:
        """Store what waits, and end. A store that is away is not waited for."""
        self.give_up()
        self._is_stopping = True
        self._waits.set()
        self._full.set()
        if self._loop:
            await self._loop
        await self.flush()

    @property
    def is_giving_up(self) -> bool:
        return self._giving_up.is_set()

    def give_up(self) -> None:
        """Wait for the store no more: a write that it does not take raises Unreachable."""
        self._giving_up.set()

    def record(self, fence: Fence, on_lost: Callable[[], None]) -> RunRecord:
        """The pen of one claim; `on_lost` is called when a line is refused."""
        return RunRecord(self, fence, on_lost)

    def line_waits(self, record: RunRecord, size: int) -> None:
        """A record has a new line of `size` characters."""
        self._filled.add(record)
        self._bytes += size
        self._waits.set()
        if self._bytes >= FLUSH_BYTES:
            self._full.set()

    async def flush(self) -> None:
        """Store every line that waits; returns when they are durable."""
        filled, self._filled, self._bytes = self._filled, set(), 0
        self._waits.clear()
        self._full.clear()
        await asyncio.gather(*map(self._flush_one, filled))

    async def patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What the store answers, asked again for as long as it is away."""
        while True:
            try:
                answer = await ask()
            except Unreachable as error:
                if self._giving_up.is_set():
                    raise
                self._note_away(error)
                await self.pause()
            else:
                self._is_away = False
                return answer

    async def pause(self) -> None:
        """Give a store that is in trouble a moment; no longer once it is given up."""
        try:
            async with asyncio.timeout(STORE_PAUSE_SECONDS):
                await self._giving_up.wait()
        except TimeoutError:
            return

    async def _flush_one(self, record: RunRecord) -> None:
        try:
            await record.flush()
        except BaseException:
            self._filled.add(record)
            raise

    def _note_away(self, error: Unreachable) -> None:
        """One line for an outage, however many runs wait for its end."""
        if not self._is_away:
            log.error("store_away", error=str(error))
        self._is_away = True

    async def _flush_forever(self) -> None:
        while not self._is_stopping:
            await self._waits.wait()
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
