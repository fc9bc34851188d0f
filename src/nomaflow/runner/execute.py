"""One claimed run on its way through its steps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from nomaflow.domain.course import CONDITION, Ending, StopReason, ending, reason_to_skip
from nomaflow.domain.events import StepChanged
from nomaflow.domain.job import Job, LogLevel, StepDefinition
from nomaflow.domain.policy import is_retried, wait_seconds
from nomaflow.domain.run import AttemptRun, LogLine, Run, RunOptions, StepError, StepRun
from nomaflow.domain.states import StepState
from nomaflow.history.changes import (
    AttemptBegun,
    AttemptEnded,
    Change,
    ParamsKept,
    StepEnded,
    StepsPlanned,
)
from nomaflow.history.runs import Opening
from nomaflow.runner import wording
from nomaflow.runner.attempt import Outcome, attempt, stopped
from nomaflow.runner.output import kept
from nomaflow.runner.parts import Briefing, RunnerParts
from nomaflow.runner.record import RunRecord
from nomaflow.runner.step_listener import StepListener
from nomaflow.runner.stop import StopSignal

LONGEST_WAIT_IN_PLACE_SECONDS = 30.0


class RunLost(Exception):
    """The run is not ours any more: a newer claim, a rescue or a delete took it away."""


class Postponed(Exception):
    """The run went back to the queue until its next attempt is due."""


@dataclass(frozen=True)
class HeldRun:
    """A claimed run, the pen that writes what becomes of it, and the signal that stops it."""

    run: Run
    record: RunRecord
    stop: StopSignal


class Execution:
    """Takes the steps in order; every write is fenced by the claim on the run."""

    def __init__(
        self, held: HeldRun, job: Job, options: RunOptions, parts: RunnerParts, opening: Opening
    ) -> None:
        self._run = held.run
        self._record = held.record
        self._stop = held.stop
        self._job = job
        self._options = options
        self._parts = parts
        self._opening = opening
        self._steps: list[StepRun] = []
        self._outputs: dict[str, Mapping[str, Any] | None] = {}
        self._has_failed = False
        self._level: LogLevel = options.log_level or job.log_level
        self._unwritten: list[Change] = []
        self._moved: list[int] = []

    async def to_the_end(self) -> tuple[Ending, list[Change]]:
        """Walk the steps that are not done yet; how the run ends, and what goes with its end.

        Raises RunLost, Postponed.
        """
        briefing = self._open()
        for index in range(len(self._steps)):
            await self._take(index, briefing)
            self._remember(index, briefing)
        forgiven = (step.name for step in self._job.steps if step.continue_on_error)
        return ending(self._steps, self._stop.reason, forgiven), self._unwritten

    def _open(self) -> Briefing:
        run, opening = self._run, self._opening
        briefing = self._parts.brief(run, self._job, self._options, opening.previous_success_at)
        self._unwritten.append(ParamsKept(self._parts.redact_value(briefing.snapshot())))
        self._steps = list(opening.steps) or [
            StepRun(run.id, index, step.name, step.type, StepState.PENDING)
            for index, step in enumerate(self._job.steps)
        ]
        self._unwritten.append(StepsPlanned(tuple(self._steps)))
        self._outputs = {step.name: step.output for step in self._steps}
        return briefing

    async def _take(self, index: int, briefing: Briefing) -> None:
        definition, step = self._job.steps[index], self._steps[index]
        if step.state.is_final:
            return
        reason = reason_to_skip(
            definition, self._options, failed=self._has_failed, stop=self._stop.reason
        )
        is_asked = reason is None and definition.when is not None
        if is_asked and not briefing.is_wanted(index):
            reason = CONDITION
        if reason is None:
            await self._perform(definition, step, briefing)
        else:
            self._skip(step, reason)

    def _remember(self, index: int, briefing: Briefing) -> None:
        """What the steps behind a step that is done have to know of it."""
        step = self._steps[index]
        if step.state is StepState.FAILED and not self._job.steps[index].continue_on_error:
            self._has_failed = True
        briefing.remember(step, self._outputs.get(step.name))

    def _skip(self, step: StepRun, reason: str) -> None:
        self._say(step, wording.step_skipped(reason))
        self._end_step(
            replace(
                step,
                state=StepState.CANCELED,
                reason=reason,
                finished_at=self._parts.clock.now(),
            )
        )

    async def _perform(self, definition: StepDefinition, step: StepRun, briefing: Briefing) -> None:
        self._say(step, wording.step_started(definition, step.index, len(self._steps)))
        for number in count(step.attempts + 1):
            trial = await self._begin_attempt(step.index, number)
            work = partial(self._work, step.index, number, briefing)
            outcome = await attempt(work, self._stop, definition.timeout_seconds)
            wait = self._wait_before_retry(definition, number, outcome)
            self._end_attempt(definition, trial, outcome, is_last=wait is None)
            if wait is None:
                return
            await self._wait(step.index, wait)
            if self._stop.reason is not None:
                self._end_while_waiting(step.index, self._stop.reason)
                return

    async def _begin_attempt(self, index: int, number: int) -> AttemptRun:
        started_at = self._parts.clock.now()
        trial = AttemptRun(self._run.id, index, number, StepState.RUNNING, started_at)
        step = self._steps[index]
        self._steps[index] = replace(
            step,
            state=StepState.RUNNING,
            attempts=number,
            started_at=step.started_at or started_at,
        )
        self._change(index, AttemptBegun(trial))
        await self._write()
        return trial

    async def _work(self, index: int, number: int, briefing: Briefing) -> Mapping[str, Any]:
        request = briefing.request(index, number)
        listener = StepListener(
            self._record,
            self._parts.bus,
            run_id=self._run.id,
            step=self._steps[index].name,
            attempt=number,
            level=self._level,
        )
        return await self._parts.hosts.run(request, listener)

    def _end_attempt(
        self, definition: StepDefinition, trial: AttemptRun, outcome: Outcome, *, is_last: bool
    ) -> None:
        trial = replace(
            trial,
            state=outcome.state,
            finished_at=self._parts.clock.now(),
            output=self._kept(definition.name, outcome.output),
            error=self._masked(outcome.error),
        )
        step = replace(self._steps[trial.index], output=trial.output, error=trial.error)
        if is_last:
            step = replace(
                step, state=trial.state, reason=outcome.reason, finished_at=trial.finished_at
            )
        self._say_outcome(definition, trial, step)
        self._steps[trial.index] = step
        self._change(trial.index, AttemptEnded(trial, step))

    def _kept(self, name: str, output: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if output is None:
            return None
        self._outputs[name] = output
        return kept(output, self._parts.redact_value)

    def _wait_before_retry(
        self, definition: StepDefinition, number: int, outcome: Outcome
    ) -> float | None:
        if outcome.state is not StepState.FAILED or self._stop.reason is not None:
            return None
        policy = self._job.retry_of(definition)
        error_type = outcome.error.type if outcome.error else ""
        if not is_retried(policy, number, error_type):
            return None
        return wait_seconds(
            policy, number, chance=self._parts.chance(), asked=outcome.retry_after or 0
        )

    async def _wait(self, index: int, seconds: float) -> None:
        self._say(self._steps[index], wording.waiting(seconds))
        await self._write()
        if seconds <= LONGEST_WAIT_IN_PLACE_SECONDS:
            await self._stop.wait(seconds)
            return
        not_before = self._parts.clock.now() + timedelta(seconds=seconds)
        fence, requeue = self._run.fence, self._parts.queue.requeue
        if not await self._parts.writer.patiently(lambda: requeue(fence, not_before)):
            raise RunLost
        raise Postponed

    def _end_while_waiting(self, index: int, reason: StopReason) -> None:
        outcome = stopped(reason)
        self._end_step(
            replace(
                self._steps[index],
                state=outcome.state,
                reason=outcome.reason,
                finished_at=self._parts.clock.now(),
            )
        )

    def _end_step(self, step: StepRun) -> None:
        self._steps[step.index] = step
        self._change(step.index, StepEnded(step))

    def _change(self, index: int, change: Change) -> None:
        """Note a change of a step; it is written before anything else is done."""
        self._unwritten.append(change)
        self._moved.append(index)

    async def _write(self) -> None:
        if not await self._record.write(*self._unwritten):
            raise RunLost
        self._unwritten.clear()
        self.publish_moves()

    def publish_moves(self) -> None:
        """Tell which steps changed since; their changes are written."""
        moved, self._moved = self._moved, []
        for index in dict.fromkeys(moved):
            self._parts.bus.publish(StepChanged(self._run.id, index))

    def _say_outcome(self, definition: StepDefinition, trial: AttemptRun, step: StepRun) -> None:
        if trial.error is not None:
            of = self._job.retry_of(definition).attempts
            message = wording.attempt_failed(trial.attempt, of, trial.error)
            self._say(step, message, "ERROR", attempt=trial.attempt)
        elif trial.state is StepState.SUCCEEDED and trial.finished_at is not None:
            seconds = (trial.finished_at - trial.started_at).total_seconds()
            self._say(step, wording.step_succeeded(seconds), attempt=trial.attempt)
        elif step.reason is not None:
            self._say(step, wording.step_skipped(step.reason), attempt=trial.attempt)

    def _say(
        self, step: StepRun, message: str, level: LogLevel = "INFO", attempt: int | None = None
    ) -> None:
        line = LogLine(self._parts.clock.now(), level, message, step.name, attempt)
        self._record.add(line)

    def _masked(self, error: StepError | None) -> StepError | None:
        if error is None:
            return None
        redact = self._parts.redact_text
        trace = redact(error.traceback) if error.traceback else None
        return StepError(redact(error.type), redact(error.message), trace)
