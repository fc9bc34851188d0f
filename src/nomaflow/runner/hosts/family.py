"""What a process has started, also what left its process group."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def kill_family(pid: int) -> None:
    """Kill the process group that `pid` leads, and all that it and its children started.

    On Linux also those that made a session of their own; elsewhere the group alone. What was left
    behind by a parent that ended is nobody's child any more, and is not found.
    """
    others = list(_descendants(pid))
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    for other in others:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(other, signal.SIGKILL)


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield from _descendants(child)
        yield child


def _children(pid: int) -> list[int]:
    """Of every thread, as the kernel lists them; none when it does not, or the process is gone."""
    with suppress(OSError):
        lists = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(word) for file in lists for word in file.read_text().split()]
    return []
