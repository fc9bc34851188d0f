"""Whether what a child has imported from the plugins is still what stands there."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_COMPILED: Final = "__pycache__"


class PluginCode:
    """The files of the folder as they were before anything was imported from it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._known: list[tuple[str, int, int]] | None = None

    def is_outdated(self) -> bool:
        """Whether a file was added, removed or written since this was asked first."""
        found = sorted(_facts(self._folder))
        if self._known is None:
            self._known = found
        return found != self._known


def _facts(folder: str) -> Iterator[tuple[str, int, int]]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != _COMPILED]
        for name in files:
            file = Path(place, name)
            with suppress(OSError):
                status = file.stat()
                yield str(file), status.st_mtime_ns, status.st_size
