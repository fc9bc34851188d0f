"""What the runner works with, passed in once by the composition root."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from nomaflow.clock import Clock
from nomaflow.domain.job import Job
from nomaflow.domain.run import Run, RunOptions, StepRun
from nomaflow.events.bus import Bus
from nomaflow.history.runs import RunHistory
from nomaflow.queue.run_queue import RunQueue
from nomaflow.runner.bodies import Bodies
from nomaflow.runner.hosts.base import AttemptRequest
from nomaflow.runner.hosts.hosts import Hosts
from nomaflow.runner.record import RunWriter


class Briefing(Protocol):
    """Knows one run's parameters: builds what an attempt needs, with every token resolved."""

    def snapshot(self) -> Mapping[str, Any]:
        """The merged parameters as they are kept on the run: no secret, no ${env:} value."""

    def remember(self, step: StepRun, output: Mapping[str, Any] | None) -> None:
        """A step is done: those behind it see its state and its whole output."""

    def is_wanted(self, index: int) -> bool:
        """Whether the condition of step `index` lets it execute, or cannot be answered."""

    def request(self, index: int, attempt: int) -> AttemptRequest:
        """The attempt of step `index`. Raises StepRefused when its condition has no answer, or a
        token or a field does not fit.
        """


@dataclass(frozen=True)
class RunnerParts:
    """The runner's rooms and tools. `chance` gives 0…1 for jitter."""

    clock: Clock
    bus: Bus
    queue: RunQueue
    history: RunHistory
    writer: RunWriter
    hosts: Hosts
    bodies: Bodies
    job: Callable[[Run], Awaitable[Job | None]]
    options: Callable[[Run], RunOptions]
    brief: Callable[[Run, Job, RunOptions, datetime | None], Briefing]
    redact_text: Callable[[str], str]
    redact_value: Callable[[Any], Any]
    chance: Callable[[], float]
