"""How an attempt in this process reaches the runner."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar

from nomaflow.clock import Clock
from nomaflow.connectors.base import Connector
from nomaflow.connectors.registry import Connectors
from nomaflow.domain.job import LogLevel
from nomaflow.runner.hosts.base import Listener, as_output
from nomaflow.runner.hosts.cancellation import Cancellation, Hook
from nomaflow.steps.context import StepContext
from nomaflow.steps.coroutines import complete_on
from nomaflow.steps.within import run_within

Message = Callable[[], None]
T = TypeVar("T")


class LocalPort:
    """A step's port; `deliver` brings a call to the event loop."""

    def __init__(
        self,
        listener: Listener,
        connectors: Connectors,
        clock: Clock,
        deliver: Callable[[Message], None],
    ) -> None:
        self.cancellation = Cancellation()
        self._listener = listener
        self._connectors = connectors
        self._clock = clock
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()

    def log(self, level: LogLevel, message: str, *, source: str = "") -> None:
        self._deliver(partial(self._listener.log, level, message, source, self._clock.now()))

    def progress(self, done: int, total: int | None) -> None:
        self._deliver(partial(self._listener.progress, done, total))

    def connector(self, name: str) -> Connector:
        return self._connectors.get(name).cancellable(self.on_cancel)

    def is_cancelled(self) -> bool:
        return self.cancellation.is_asked()

    def on_cancel(self, hook: Hook) -> AbstractContextManager[None]:
        return self.cancellation.on_cancel(hook)

    def run_step(
        self, step_type: str, fields: Mapping[str, Any], ctx: StepContext
    ) -> Mapping[str, Any]:
        return as_output(run_within(step_type, fields, ctx))

    def complete(self, work: Coroutine[Any, Any, T]) -> T:
        return complete_on(self._loop, work, self.on_cancel)
