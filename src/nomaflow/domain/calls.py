"""Jobs that call jobs: what a step asks for, and what it hears."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from nomaflow.domain.job import JobId
from nomaflow.domain.run import RunId, TriggerId
from nomaflow.domain.states import RunState


@dataclass(frozen=True)
class JobCall:
    """A step of run `run_id` of job `caller` wants a run of `job_id`, for the same user."""

    job_id: JobId
    params: Mapping[str, Any]
    caller: JobId
    run_id: RunId
    step_index: int
    attempt: int
    session_user: str

    @property
    def trigger_id(self) -> TriggerId:
        """The same for every attempt of the step."""
        return TriggerId(f"call:{self.run_id}:{self.step_index}")


@dataclass(frozen=True)
class CalledRun:
    """How a called run ended."""

    run_id: RunId
    state: RunState
    reason: str | None


class JobCaller(Protocol):
    """Runs jobs for steps."""

    async def call(self, call: JobCall, begun: Callable[[RunId], None]) -> CalledRun:
        """Run the job to its end, however it ends; `begun` hears the run's id at once.

        When the task is cancelled the called run is cancelled too, and is gone when the
        CancelledError goes on. Raises NotFound, InvalidConfiguration, InvalidParameters, JobBusy,
        Refused; then nothing runs.
        """
