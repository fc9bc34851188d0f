"""Watches the files of the home folder, and says when one of them changed."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog

from nomaflow.clock import Clock

LOOK_SECONDS = 1.0
log = structlog.get_logger()

OnChange = Callable[[], Awaitable[object]]
Mark = tuple[int, ...] | None


class FileWatcher:
    """Looks at the files once a second: that costs nothing, and is right wherever they lie.

    A change is told when the files have been left alone from one look to the next, so that
    nobody reads a file that is half written.
    """

    def __init__(self, files: Sequence[Path], clock: Clock) -> None:
        self._files = files
        self._clock = clock
        self._told = self._marks()
        self._seen = self._told
        self._task: asyncio.Task[None] | None = None

    def start(self, on_change: OnChange) -> None:
        """Look until `stop`; a change since the watcher was made counts too."""
        self._task = asyncio.create_task(self._watch(on_change), name="file-watcher")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def hurry(self) -> None:
        """Tell a change at the next look, whether there was one or not."""
        self._told = []

    async def look(self, on_change: OnChange) -> None:
        """Tell a change that is complete."""
        marks = await asyncio.to_thread(self._marks)
        is_quiet, self._seen = marks == self._seen, marks
        if is_quiet and marks != self._told:
            self._told = marks
            await on_change()

    async def _watch(self, on_change: OnChange) -> None:
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            try:
                await self.look(on_change)
            except Exception:
                log.exception("file_watch_failed")

    def _marks(self) -> list[Mark]:
        return [_mark(path) for path in self._files]


def _mark(path: Path) -> Mark:
    """What differs after a change of the file, wherever a link leads; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
