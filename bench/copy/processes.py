"""What processes cost: CPU time of a tree of them, and the most memory of one."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = 100


@dataclass(frozen=True)
class Cost:
    """Seconds of the clock, seconds of CPU of everyone involved, MiB of the largest client."""

    wall: float
    cpu: float
    peak: float = 0


def descendants(pid: int) -> Iterator[int]:
    """The process and all below it."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from descendants(int(child))


def cpu_seconds(pid: int) -> float:
    """User and system time of the process, and of its children that ended."""
    return sum(map(int, _fields(pid)[11:15])) / _TICKS


def cpu_of_tree(pid: int) -> float:
    """Counted once more when a process ends meanwhile: its parent has its time then."""
    while True:
        with suppress(FileNotFoundError, ProcessLookupError):
            return sum([cpu_seconds(each) for each in descendants(pid)])


def parent(pid: int) -> int:
    return int(_fields(pid)[1])


def peak_of_tree(pid: int) -> float:
    """MiB of the one below `pid` that had most since `forget_peaks`."""
    return max((_peak(child) for child in descendants(pid) if child != pid), default=0)


def forget_peaks(pid: int) -> None:
    for child in descendants(pid):
        Path(f"/proc/{child}/clear_refs").write_text("5")


def _peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = next(line for line in status if line.startswith("VmHWM")).split()[1]
    return int(kib) / 1024


def _fields(pid: int) -> list[str]:
    """Those behind the name, which may hold blanks: state, parent, …"""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
