"""The seam of the executors: where claimed runs execute. A new one is one file in this folder.

A file defines one instance named `EXECUTOR`; installed packages use the entry point group
`nomaflow.executors`. `[executor] kind` in app.toml chooses by name.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from nomaflow.clock import Clock
from nomaflow.domain.run import ProcessId, Run
from nomaflow.events.bus import Bus
from nomaflow.queue.called import CalledRuns
from nomaflow.queue.run_queue import RunQueue

RunHandler = Callable[[Run], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class ExecutorParts:
    """What an executor works with.

    `owner` is this process, or None while it must not claim: it may be taken for dead. `slots` is
    the most runs at once in this process; it `takes_any` run, or only those reserved for it.
    The `called` runs of its own steps execute beside the slots.
    """

    queue: RunQueue
    bus: Bus
    clock: Clock
    owner: Callable[[], ProcessId | None]
    slots: int
    takes_any: bool = True
    called: CalledRuns = field(default_factory=CalledRuns)


class Executor(Protocol):
    """A started executor: it claims runs and hands each to the handler, until it is stopped."""

    async def stop(self) -> None:
        """Claim no more; return at once. Runs in flight are the runner's to end."""


class ExecutorKind(Protocol):
    """A way to execute runs, chosen by its name."""

    name: ClassVar[str]

    async def start(self, parts: ExecutorParts, handle: RunHandler) -> Executor:
        """Begin to claim; `handle` takes one claimed run to its end."""
