"""Tells each run that ended here as a trace: the run, its steps, their attempts."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from nomaflow import __version__
from nomaflow.domain.events import RunFinished
from nomaflow.domain.run import AttemptRun, Run, RunId, StepError, StepRun
from nomaflow.errors import NomaflowError
from nomaflow.events.bus import Bus
from nomaflow.history.runs import RunHistory
from nomaflow.log import FactLog
from nomaflow.tracing import flush, parent_of

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, TracerProvider

MOST_WAITING = 10_000
FLUSH_SECONDS = 3.0
log = FactLog()


class Tracer:
    """Makes spans of what the history knows, after the end: no run waits for a trace.

    `parent` gives the traceparent of whoever started a run. What is stored is masked, and nothing
    else is told.
    """

    def __init__(
        self,
        provider: "TracerProvider",
        history: RunHistory,
        bus: Bus,
        parent: Callable[[Run], str | None],
    ) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("nomaflow", __version__)
        self._history = history
        self._bus = bus
        self._parent = parent
        self._waiting: asyncio.Queue[RunId | None] = asyncio.Queue(MOST_WAITING)
        self._forget: Callable[[], None] = lambda: None
        self._telling: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Hear which runs end in this process."""
        self._forget = self._bus.subscribe(RunFinished, self._note)
        self._telling = asyncio.create_task(self._tell_all())

    async def stop(self) -> None:
        """Tell what waits; a collector that does not answer is not waited for long."""
        self._forget()
        if self._telling is not None:
            await self._waiting.put(None)
            await self._telling
        await asyncio.to_thread(flush, self._provider, FLUSH_SECONDS)

    def _note(self, finished: RunFinished) -> None:
        try:
            self._waiting.put_nowait(finished.run_id)
        except asyncio.QueueFull:
            log.warning("run_not_traced", run_id=finished.run_id, reason="too many wait")

    async def _tell_all(self) -> None:
        while (run_id := await self._waiting.get()) is not None:
            try:
                await self._tell(run_id)
            except NomaflowError as error:
                log.warning("run_not_traced", run_id=run_id, reason=str(error))
            except Exception as error:
                log.exception("run_not_traced", run_id=run_id, reason=type(error).__name__)

    async def _tell(self, run_id: RunId) -> None:
        run = await self._history.get(run_id)
        if not run.state.is_final:
            return
        steps = await self._history.steps(run_id)
        attempts = await self._history.attempts(run_id)
        self._trace(run, steps, attempts)

    def _trace(self, run: Run, steps: Sequence[StepRun], attempts: Sequence[AttemptRun]) -> None:
        from opentelemetry.trace import set_span_in_context

        began = run.started_at or run.created_at
        span = self._span(f"run {run.job_id}", parent_of(self._parent(run)), began)
        _describe(span, **_run_facts(run))
        inside = set_span_in_context(span)
        for step in steps:
            if step.started_at is not None and step.started_at >= began:
                own = [tried for tried in attempts if tried.index == step.index]
                self._trace_step(step, step.started_at, own, inside)
        _end(span, run.state.value, run.reason, None, run.finished_at or began)

    def _trace_step(
        self, step: StepRun, began: datetime, attempts: Sequence[AttemptRun], inside: "Context"
    ) -> None:
        from opentelemetry.trace import set_span_in_context

        span = self._span(f"step {step.name}", inside, began)
        _describe(span, step_name=step.name, step_type=step.type, step_attempts=step.attempts)
        for tried in attempts:
            trial = self._span(
                f"attempt {tried.attempt}", set_span_in_context(span), tried.started_at
            )
            _describe(trial, step_name=step.name, attempt=tried.attempt)
            ended_at = tried.finished_at or tried.started_at
            _end(trial, tried.state.value, None, tried.error, ended_at)
        _end(span, step.state.value, step.reason, step.error, step.finished_at or began)

    def _span(self, name: str, inside: "Context", began: datetime) -> "Span":
        return self._tracer.start_span(name, inside, start_time=_nanoseconds(began))


def _run_facts(run: Run) -> dict[str, str | int | float | None]:
    queued = run.scheduled_at or run.created_at
    waited = (run.started_at - queued).total_seconds() if run.started_at else None
    return {
        "run_id": run.id,
        "job_id": run.job_id,
        "triggered_by": run.triggered_by,
        "scheduled_at": run.scheduled_at.isoformat() if run.scheduled_at else None,
        "waited_seconds": waited,
    }


def _describe(span: "Span", **facts: str | float | None) -> None:
    for name, value in facts.items():
        if value is not None:
            span.set_attribute(f"nomaflow.{name}", value)


def _end(
    span: "Span", state: str, reason: str | None, error: StepError | None, at: datetime
) -> None:
    from opentelemetry.trace import StatusCode

    _describe(span, state=state, reason=reason)
    if error is not None:
        facts = {"exception.type": error.type, "exception.message": error.message}
        trace = {"exception.stacktrace": error.traceback} if error.traceback else {}
        span.add_event("exception", facts | trace, timestamp=_nanoseconds(at))
    if state == "FAILED":
        span.set_status(StatusCode.ERROR, reason or (error.message if error else None))
    span.end(_nanoseconds(at))


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
