"""One attempt of one step: executed on its host, stopped when it must, its end classified."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from nomaflow.domain.course import TIMEOUT, StopReason
from nomaflow.domain.run import StepError
from nomaflow.domain.states import StepState
from nomaflow.errors import StepFailed
from nomaflow.runner import wording
from nomaflow.runner.stop import Stopped, StopSignal, WallHit, stoppable

Output = Mapping[str, Any]
Work = Callable[[], Coroutine[Any, Any, Output]]


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. `reason` is `timeout`, a cancel's text, or None.

    `retry_after` is how many seconds the other side asked to wait before the next.
    """

    state: StepState
    output: Output | None = None
    error: StepError | None = None
    reason: str | None = None
    retry_after: float | None = None


async def attempt(work: Work, stop: StopSignal, seconds: float) -> Outcome:
    """Execute `work` with a hard wall of `seconds`; never raises for what the work did."""
    try:
        output = await stoppable(work(), stop, seconds)
    except Stopped:
        return stopped(stop.reason)
    except WallHit:
        error = StepError("StepTimedOut", wording.timed_out(seconds))
        return Outcome(StepState.FAILED, error=error, reason=TIMEOUT)
    except Exception as error:  # noqa: BLE001  # whatever a step raises ends the step, not the runner
        return failed(error)
    return Outcome(StepState.SUCCEEDED, output=output)


def stopped(reason: StopReason | None) -> Outcome:
    """How a step ends whose run is to stop: FAILED at the run's time-out, else CANCELED."""
    if reason is not None and reason.kind == "timeout":
        error = StepError("RunTimedOut", "the run reached its time-out")
        return Outcome(StepState.FAILED, error=error, reason=TIMEOUT)
    return Outcome(StepState.CANCELED, reason=str(reason))


def failed(error: Exception) -> Outcome:
    """How a step ends that raised."""
    if not isinstance(error, StepFailed):
        return Outcome(StepState.FAILED, error=describe(error))
    return Outcome(StepState.FAILED, error.output, describe(error), retry_after=error.retry_after)


def describe(error: BaseException) -> StepError:
    """The error as it is kept; a step's own report of type and traceback wins."""
    if isinstance(error, StepFailed):
        return StepError(error.type, str(error), error.traceback)
    return StepError(type(error).__name__, str(error) or type(error).__name__)
