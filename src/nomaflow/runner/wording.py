"""What the runner says in a run's log: the wording, and nothing else."""

from nomaflow.domain.course import Ending
from nomaflow.domain.job import StepDefinition
from nomaflow.domain.run import Run, StepError
from nomaflow.domain.states import RunState


def run_started(run: Run) -> str:
    again = f", claim {run.attempt}" if run.attempt > 1 else ""
    return f"run {run.id} of job '{run.job_id}' started, triggered by {run.triggered_by}{again}"


def run_ended(ending: Ending, seconds: float) -> str:
    if ending.state is RunState.CANCELED:
        return f"run {ending.reason}"
    because = f": {ending.reason}" if ending.reason else ""
    return f"run {ending.state.lower()} after {duration(seconds)}{because}"


def step_started(step: StepDefinition, index: int, total: int) -> str:
    return f"step {index + 1} of {total} started: {step.type}"


def step_succeeded(seconds: float) -> str:
    return f"step succeeded after {duration(seconds)}"


def step_skipped(reason: str) -> str:
    return f"step {reason}"


def attempt_failed(number: int, of: int, error: StepError) -> str:
    which = f"attempt {number} of {of}" if of > 1 else "step"
    return f"{which} failed: {error.type}: {error.message}"


def waiting(seconds: float) -> str:
    return f"next attempt in {duration(seconds)}"


def timed_out(seconds: float) -> str:
    return f"stopped at its time-out of {duration(seconds)}"


def duration(seconds: float) -> str:
    """A length of time as people say it: 0.25 s, 12.3 s, 4 min 12 s, 2 h 5 min."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
