"""The course of a run: which steps execute, and how the run ends. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from nomaflow.domain.job import StepDefinition
from nomaflow.domain.run import RunId, RunOptions, StepRun
from nomaflow.domain.states import RunState, StepState

CONDITION = "skipped: condition"
DISABLED = "skipped: disabled"
EARLIER_FAILED = "skipped: earlier step failed"
TIMEOUT = "timeout"


@dataclass(frozen=True)
class StopReason:
    """Why a run is to stop before its end; `by` is the person or program that canceled it.

    `lost`: the run is not this process's any more, and nothing of the stop is written.
    """

    kind: Literal["cancel", "timeout", "lost"]
    by: str = ""

    def __str__(self) -> str:
        return f"cancelled by {self.by}" if self.kind == "cancel" else self.kind


@dataclass(frozen=True)
class Ending:
    """The final state of a run, and why."""

    state: RunState
    reason: str | None = None


def is_enabled(step: StepDefinition, options: RunOptions) -> bool:
    """The step's own switch, unless this fire sets another."""
    return options.step_enabled.get(step.name, step.enabled)


def reason_to_skip(
    step: StepDefinition, options: RunOptions, *, failed: bool, stop: StopReason | None
) -> str | None:
    """Why the step does not execute, or None when it does."""
    if not is_enabled(step, options):
        return DISABLED
    if stop is not None:
        return str(stop)
    return EARLIER_FAILED if failed else None


def ending(
    steps: Iterable[StepRun], stop: StopReason | None, continued_after: Iterable[str]
) -> Ending:
    """How a run ends whose steps ended like that.

    `continued_after` names the failed steps after which the run went on.
    """
    if stop is not None:
        state = RunState.CANCELED if stop.kind == "cancel" else RunState.FAILED
        return Ending(state, str(stop))
    forgiven = set(continued_after)
    failed = [step for step in steps if step.state is StepState.FAILED]
    fatal = next((step for step in failed if step.name not in forgiven), None)
    if fatal is not None:
        return Ending(RunState.FAILED, f"step '{fatal.name}' failed: {_cause(fatal)}")
    if failed:
        names = ", ".join(step.name for step in failed)
        return Ending(RunState.FAILED, f"continued after: {names}")
    return Ending(RunState.SUCCEEDED)


def _cause(step: StepRun) -> str:
    if step.reason:
        return step.reason
    return step.error.message.partition("\n")[0] if step.error else "unknown"


def kept_steps(done: Sequence[StepRun], steps: Sequence[StepDefinition]) -> list[StepRun]:
    """The steps of a run that resumes one whose steps ended like `done`.

    Those that succeeded before the first that did not are kept; the rest is PENDING.
    """
    kept: list[StepRun] = []
    keeps = True
    for index, step in enumerate(steps):
        before = done[index] if index < len(done) else None
        is_same = before is not None and (before.name, before.type) == (step.name, step.type)
        keeps = keeps and is_same and _is_over(before)
        if keeps and before is not None and before.state is StepState.SUCCEEDED:
            kept.append(before)
        else:
            kept.append(StepRun(RunId(0), index, step.name, step.type, StepState.PENDING))
    return kept


def _is_over(step: StepRun | None) -> bool:
    """Whether the run went past the step as it should."""
    return step is not None and (
        step.state is StepState.SUCCEEDED or step.reason in (DISABLED, CONDITION)
    )
