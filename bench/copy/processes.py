"""What processes cost: CPU time of a tree of them, and the most memory of one."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = 100


@dataclass(frozen=True)
class Cost:
    """Seconds of the clock, seconds of CPU of everyone, MiB by which the step's process grew."""

    wall: float
    cpu: float
    growth: float = 0


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


def forget_peaks(pid: int) -> dict[int, float]:
    """From here on the most is counted anew; returns the MiB of each process below `pid`."""
    children = [child for child in descendants(pid) if child != pid]
    for child in children:
        Path(f"/proc/{child}/clear_refs").write_text("5")
    return {child: _mebibytes(child, "VmRSS") for child in children}


def growth_of_tree(pid: int, before: dict[int, float]) -> float:
    """MiB by which the one below `pid` grew that grew most; a new one grew from nothing."""
    children = [child for child in descendants(pid) if child != pid]
    return max((_mebibytes(each, "VmHWM") - before.get(each, 0) for each in children), default=0)


def _mebibytes(pid: int, fact: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = next(line for line in status if line.startswith(f"{fact}:")).split()[1]
    return int(kib) / 1024


def _fields(pid: int) -> list[str]:
    """Those behind the name, which may hold blanks: state, parent, …"""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
