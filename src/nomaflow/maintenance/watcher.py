"""Watches the files of the home folder, and says when one of them changed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

WATCH_SECONDS = 1.0

Mark = tuple[int, ...] | None


class FileWatcher:
    """Looks at the files once a second: that costs nothing, and is right wherever they lie.

    A change is told when the files have been left alone from one look to the next, so that
    nobody reads a file that is half written. A change since the watcher was made counts too.
    """

    def __init__(self, files: Sequence[Path], on_change: Callable[[], Awaitable[object]]) -> None:
        self._files = files
        self._on_change = on_change
        self._told = self._marks()
        self._seen = self._told

    def hurry(self) -> None:
        """Tell a change at the next look, whether there was one or not."""
        self._told = []

    async def look(self) -> None:
        """Tell a change that is complete; one that nobody could take is told again."""
        marks = await asyncio.to_thread(self._marks)
        is_quiet, self._seen = marks == self._seen, marks
        if is_quiet and marks != self._told:
            await self._on_change()
            self._told = marks

    def _marks(self) -> list[Mark]:
        return [_mark(path) for path in self._files]


def _mark(path: Path) -> Mark:
    """What differs after a change of the file, wherever a link leads; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
