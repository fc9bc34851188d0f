"""For the tests of Python steps: a context that needs no server, no catalogue and no run."""

from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

from nomaflow.connectors.base import Connector, ConnectorSettings, ResolvedPool
from nomaflow.connectors.registry import Connectors, ConnectorTypes
from nomaflow.connectors.sql import NamedQuery, SqlDefinition
from nomaflow.domain.job import LogLevel
from nomaflow.domain.states import StepState
from nomaflow.errors import NotFound
from nomaflow.runner.hosts.base import as_output
from nomaflow.runner.hosts.cancellation import Cancellation
from nomaflow.steps.context import StepContext, StepFacts
from nomaflow.steps.coroutines import complete_here
from nomaflow.steps.previous import PreviousStep
from nomaflow.steps.python import AsyncStepContext
from nomaflow.steps.within import run_within

T = TypeVar("T")


@dataclass(frozen=True)
class FakeRun:
    """The run that a fake context belongs to; each value may be another one."""

    run_id: int = 1
    job_id: str = "job"
    step_name: str = "step"
    attempt: int = 1
    session_user: str = "cli:tests"
    started_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    scheduled_at: datetime | None = None


@dataclass(frozen=True)
class FakeSql:
    """A real database for a fake context: its URL, and the connector's named queries."""

    url: str
    queries: Mapping[str, str] = field(default_factory=dict)


def build_fake_ctx(
    *,
    params: Mapping[str, Any] | None = None,
    connectors: Mapping[str, Any] | None = None,
    previous: Mapping[str, Mapping[str, Any] | PreviousStep] | None = None,
    run: FakeRun | None = None,
) -> "FakeStepContext":
    """A context for calling a step's function directly.

    `connectors` by name: a database URL or `FakeSql` for a real SQL connector, anything else is
    what `get_connector` gives. `previous` are the outputs of earlier steps that SUCCEEDED, by
    name, or whole `PreviousStep`s, whose `body_file` holds what `body` gives. Close it, or use it
    in a `with`, when it opened databases.
    """
    about = run or FakeRun()
    facts = StepFacts(
        run_id=about.run_id,
        job_id=about.job_id,
        step_name=about.step_name,
        step_index=0,
        attempt=about.attempt,
        session_user=about.session_user,
        started_at=about.started_at,
        scheduled_at=about.scheduled_at,
        params=params or {},
        previous={name: _step(name, known) for name, known in (previous or {}).items()},
    )
    return FakeStepContext(facts, FakePort(connectors or {}))


def _step(name: str, known: Mapping[str, Any] | PreviousStep) -> PreviousStep:
    if isinstance(known, PreviousStep):
        return known
    return PreviousStep(name, StepState.SUCCEEDED, known)


class FakeStepContext(StepContext):
    """What a step's function gets, and what a test sees of it afterwards."""

    def __init__(self, facts: StepFacts, port: "FakePort") -> None:
        super().__init__(facts, port)
        self._fake = port

    @property
    def awaited(self) -> AsyncStepContext:
        """The same context for an `async def` function."""
        return AsyncStepContext(self)

    @property
    def lines(self) -> list[tuple[LogLevel, str]]:
        """What was logged: level and message, those of another source with `source: ` before."""
        return self._fake.lines

    @property
    def reported(self) -> list[tuple[int, int | None]]:
        """The progress that was reported: done and total."""
        return self._fake.reported

    def cancel(self) -> None:
        """Ask the function to stop, as an operator does."""
        self._fake.cancellation.ask()

    def close(self) -> None:
        """Close the databases that were opened."""
        self._fake.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class FakePort:
    """Keeps what a step says; opens real databases and runs real steps within this process."""

    def __init__(self, connectors: Mapping[str, Any]) -> None:
        self.lines: list[tuple[LogLevel, str]] = []
        self.reported: list[tuple[int, int | None]] = []
        self.cancellation = Cancellation()
        self._given = dict(connectors)
        self._connectors = Connectors(self._settings, ConnectorTypes.discover())

    def log(self, level: LogLevel, message: str, *, source: str = "") -> None:
        self.lines.append((level, f"{source}: {message}" if source else message))

    def progress(self, done: int, total: int | None) -> None:
        self.reported.append((done, total))

    def connector(self, name: str) -> Connector:
        given = self._given.get(name)
        if given is None or isinstance(given, str | FakeSql):
            return self._connectors.get(name).cancellable(self.on_cancel)
        fake: Connector = given
        return fake

    def is_cancelled(self) -> bool:
        return self.cancellation.is_asked()

    def on_cancel(self, hook: Callable[[], None]) -> AbstractContextManager[None]:
        return self.cancellation.on_cancel(hook)

    def run_step(
        self, step_type: str, fields: Mapping[str, Any], ctx: StepContext
    ) -> Mapping[str, Any]:
        return as_output(run_within(step_type, fields, ctx))

    def complete(self, work: Coroutine[Any, Any, T]) -> T:
        return complete_here(work, self.on_cancel)

    def close(self) -> None:
        self.cancellation.end()
        self._connectors.close()

    def _settings(self, name: str) -> ConnectorSettings:
        if name not in self._given:
            known = ", ".join(sorted(self._given)) or "none"
            raise NotFound(f"build_fake_ctx got no connector '{name}'. It got: {known}.")
        given = self._given[name]
        sql = given if isinstance(given, FakeSql) else FakeSql(given)
        queries = {query: NamedQuery(sql=text) for query, text in sql.queries.items()}
        definition = SqlDefinition(pool=name, queries=queries)
        return ConnectorSettings(name, "sql", definition, ResolvedPool(name, sql.url))
