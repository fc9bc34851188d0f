"""What a process has started, also what left its process group, or has another parent by now."""

import asyncio
import os
import signal
from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

MARK: Final = "STEP_PROCESS"
"""A variable in the environment of a process, which all that it starts inherits."""
_MOST_LOOKS: Final = 10


def new_mark() -> str:
    """A value of MARK that no other process has."""
    return f"nomaflow-{token_hex(8)}"


class Strays:
    """Ends what processes left behind that are dead, in one thread: a look takes milliseconds."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="strays")
        self._marks: deque[str] = deque()

    async def end(self, mark: str) -> None:
        """Kill every process that bears the mark, also one whose parent ended; on Linux.

        What gave up its environment is not found. Of many that end at once, one look serves all.
        """
        self._marks.append(mark)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._end_waiting)

    def close(self) -> None:
        self._thread.shutdown()

    def _end_waiting(self) -> None:
        marks = [self._marks.popleft() for _ in range(len(self._marks))]
        if marks:
            _kill_marked(marks)


def _kill_marked(marks: Collection[str]) -> None:
    """Look again until there is none: one that starts others may be quicker than a look."""
    marked = frozenset(f"{MARK}={mark}".encode() for mark in marks)
    for _ in range(_MOST_LOOKS):
        found = [pid for pid in _processes() if not marked.isdisjoint(_environment(pid))]
        for pid in found:
            _kill(pid)
        if not found:
            return


def kill_family(pid: int) -> None:
    """Kill the process group that `pid` leads, and all that it and its children started.

    On Linux also those that made a session of their own; elsewhere the group alone. What was left
    behind by a parent that ended is nobody's child any more: that is for `Strays`.
    """
    others = list(_descendants(pid))
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    for other in others:
        _kill(other)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _processes() -> list[int]:
    with suppress(OSError):
        return [int(place.name) for place in Path("/proc").iterdir() if place.name.isdecimal()]
    return []


def _environment(pid: int) -> list[bytes]:
    """What a process was given when it began; nothing when it is gone or somebody else's."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []


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
