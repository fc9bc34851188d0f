"""What a step sees of its run: facts, connectors, log, progress, and whether to stop."""

from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any, Protocol, TypeVar

from nomaflow.connectors.base import Connector
from nomaflow.connectors.web.egress import Egress
from nomaflow.domain.job import LogLevel
from nomaflow.errors import NotFound
from nomaflow.steps.previous import PreviousStep

T = TypeVar("T")


@dataclass(frozen=True)
class StepFacts:
    """Everything an attempt knows before it starts; picklable, holds no connection.

    `body_file` is where a body may be left for later steps; `egress` guards what is reached
    without a connector.
    """

    run_id: int
    job_id: str
    step_name: str
    step_index: int
    attempt: int
    session_user: str
    started_at: datetime
    scheduled_at: datetime | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    previous: Mapping[str, PreviousStep] = field(default_factory=dict)
    body_file: str | None = None
    egress: Egress = field(default_factory=Egress)
    part: str = ""
    """Names a step that this one runs within itself; empty for the step itself."""
    dry_run: bool = False


class StepPort(Protocol):
    """How an attempt reaches the runner, from a thread or across a pipe. Thread-safe."""

    def log(self, level: LogLevel, message: str, *, source: str = "") -> None:
        """Add a line to the run's log."""

    def progress(self, done: int, total: int | None) -> None:
        """Tell how far the step is."""

    def connector(self, name: str) -> Connector:
        """Open, or find opened, a connector by its name. Raises NotFound."""

    def is_cancelled(self) -> bool:
        """Whether the attempt was asked to stop."""

    def on_cancel(self, hook: Callable[[], None]) -> AbstractContextManager[None]:
        """While the context is open, `hook` is called, from another thread, when a stop is asked.

        It is called again, a few times a second, until the context closes: the first call may
        have come before the work that it stops. Asked already: called at once.
        """

    def run_step(
        self, step_type: str, fields: Mapping[str, Any], ctx: "StepContext"
    ) -> Mapping[str, Any]:
        """Do the work of another step type here and now; `ctx` is what it sees."""

    def complete(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, from plain code; a stop cancels it."""


class StepLog:
    """Routes lines into the run's log; the level filter is the run's."""

    def __init__(self, port: StepPort) -> None:
        self._port = port

    def debug(self, message: str, *args: object) -> None:
        self._port.log("DEBUG", _text(message, args))

    def info(self, message: str, *args: object) -> None:
        self._port.log("INFO", _text(message, args))

    def warning(self, message: str, *args: object) -> None:
        self._port.log("WARNING", _text(message, args))

    def error(self, message: str, *args: object) -> None:
        self._port.log("ERROR", _text(message, args))


class StepContext:
    """Handed to every attempt of a step; also what a Python step's function gets as `ctx`."""

    def __init__(self, facts: StepFacts, port: StepPort) -> None:
        self.facts = facts
        self.log = StepLog(port)
        self._port = port
        self._parts = count(1)

    @property
    def run_id(self) -> int:
        return self.facts.run_id

    @property
    def job_id(self) -> str:
        return self.facts.job_id

    @property
    def step_name(self) -> str:
        return self.facts.step_name

    @property
    def attempt(self) -> int:
        """The number of this try, from 1."""
        return self.facts.attempt

    @property
    def session_user(self) -> str:
        """Who triggered the run; `cron` or `interval` for a schedule."""
        return self.facts.session_user

    @property
    def params(self) -> dict[str, Any]:
        """A copy of the merged parameters."""
        return dict(self.facts.params)

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this step in this run: `run_id:step index`."""
        key = f"{self.facts.run_id}:{self.facts.step_index}"
        return f"{key}:{self.facts.part}" if self.facts.part else key

    def get_connector(self, name: str) -> Any:
        """The connector of that name, open; what it can do depends on its type. Raises NotFound."""
        return self._port.connector(name)

    def previous_step(self, name: str) -> PreviousStep:
        """An earlier step of this run. Raises NotFound."""
        try:
            return self.facts.previous[name]
        except KeyError:
            raise NotFound(f"No step '{name}' stands before step '{self.step_name}'.") from None

    def run_copy(self, **fields: Any) -> Any:
        """Copy a table: `run_step("sql_copy", …)`."""
        return self.run_step("sql_copy", **fields)

    def run_step(
        self,
        step_type: str,
        /,
        *,
        part: str | None = None,
        params: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Any:
        """Do the work of another step type within this one: its output, a mapping.

        `fields` are those of the step type, as plain values: they take no tokens. `params` are
        laid over this step's own. `part` names this piece of the work; the same part of the same
        run is appended once, however often the step is tried. Without it each call is a piece of
        its own.
        Raises StepRefused for fields that do not fit, else what the step type raises.
        """
        name = part or f"attempt {self.attempt}, call {next(self._parts)}"
        facts = replace(self.facts, part=name, params={**self.facts.params, **(params or {})})
        return self._port.run_step(step_type, fields, StepContext(facts, self._port))

    def complete(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, from plain code; a stop cancels it."""
        return self._port.complete(work)

    def progress(self, done: int, total: int | None = None) -> None:
        """Report `done` of `total` units; total None when unknown. Raises TypeError."""
        if not all(
            isinstance(number, int | float) for number in (done, 0 if total is None else total)
        ):
            raise TypeError(f"progress(done, total) takes numbers, got {done!r} and {total!r}")
        self._port.progress(done, total)

    def is_cancelled(self) -> bool:
        """Whether the run was asked to stop; long loops should look often."""
        return self._port.is_cancelled()

    def on_cancel(self, hook: Callable[[], None]) -> AbstractContextManager[None]:
        """Call `hook` from another thread if a stop is asked while the context is open."""
        return self._port.on_cancel(hook)


def _text(message: str, args: tuple[object, ...]) -> str:
    """A line that does not fit its values is no reason to lose a step's work."""
    if not args:
        return str(message)
    try:
        return message % args
    except (TypeError, ValueError):
        return f"{message} {args!r}"
