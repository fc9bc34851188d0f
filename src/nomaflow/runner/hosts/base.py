"""The seam of the hosts: where an attempt executes, and how it is made to stop."""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from nomaflow.domain.job import LogLevel
from nomaflow.steps.base import Output, StepSpec, StepType
from nomaflow.steps.context import StepFacts

T = TypeVar("T")
GRACE_SECONDS: Final = 3.0


@dataclass(frozen=True)
class AttemptRequest:
    """One attempt: the step type's name, its fields with every token resolved, its facts."""

    step_type: str
    spec: StepSpec
    facts: StepFacts


class Listener(Protocol):
    """Hears an attempt while it executes; called on the event loop, in order."""

    def log(self, level: LogLevel, message: str, source: str, at: datetime) -> None:
        """A line. `source` is 'stdout' or 'stderr' for captured prints, else empty."""

    def progress(self, done: int, total: int | None) -> None:
        """How far the step is."""


class Host(Protocol):
    """A place where attempts execute."""

    async def run(self, step: StepType[Any], request: AttemptRequest, listener: Listener) -> Output:
        """Execute one attempt and return its output.

        Raises what the step raised, as a NomaflowError: StepFailed with type and traceback for
        foreign exceptions. Cancelling the task climbs the stop ladder: the step is asked and its
        hooks are called, after the grace it is killed or, where that cannot be, abandoned; then
        CancelledError goes on.
        """

    async def close(self) -> None:
        """Stop whatever still executes here."""


def as_output(returned: object) -> Mapping[str, Any]:
    """A step's return value, checked: a mapping, or None for an empty one."""
    if returned is None:
        return {}
    if not isinstance(returned, Mapping):
        raise TypeError(f"a step type returns a mapping, got {type(returned).__name__}")
    return returned


async def uninterrupted(work: Awaitable[T]) -> T:
    """Await `work` to its end, however often the caller is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    return task.result()
