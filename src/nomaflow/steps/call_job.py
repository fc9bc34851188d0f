"""The step type `call_job`: another job, run within this one."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from nomaflow.domain.calls import CalledRun, JobCall, JobCaller
from nomaflow.domain.job import JobId
from nomaflow.domain.run import RunId
from nomaflow.domain.states import RunState
from nomaflow.errors import StepCanceled, StepFailed, StepRefused
from nomaflow.steps.base import HostKind, Output, StepSpec
from nomaflow.steps.context import StepContext


class CallJobSpec(StepSpec):
    """Fields of a `call_job` step."""

    job: Annotated[
        str,
        Field(
            description="The job to run; none that leads back to this one.",
            json_schema_extra={"x-job": True},
        ),
    ]
    params: Annotated[
        Mapping[str, Any],
        Field(default_factory=dict, description="Parameters of that run, over the job's own."),
    ]


class CallJobStep:
    """Runs another job as a run of its own, waits for its end, and ends as it does.

    The called run counts for the job's `overlap` and limits, but takes no slot of the process, and
    needs none of a limit that its callers have. Cancelling the caller cancels it. The log tells the
    called run's id.

    Output: `{"run_id", "state"}`, of the called run.

    Errors: `CalledRunFailed` with the called run's reason, `StepCanceled` when somebody cancelled
    it, `JobBusy` when its `overlap` refuses another one, `NotFound` for a job that is broken or not
    there. A job that leads back to itself is a problem of the file.

    Example:
    [[jobs]]
    id = "nightly-refresh"

    [[jobs.steps]]
    name = "refresh"
    type = "sql_query"
    connector = "reporting"
    query = "UPDATE totals SET is_fresh = :fresh"
    params = { fresh = true }

    [[jobs]]
    id = "month-end"
    schedule = "0 3 L * *"

    [[jobs.steps]]
    name = "refresh"
    type = "call_job"
    job = "nightly-refresh"
    params = { fresh = false }
    """

    name: ClassVar[str] = "call_job"
    title: ClassVar[str] = "Another job"
    host: ClassVar[HostKind] = "event_loop"
    params_field: ClassVar[str | None] = "params"
    literal_fields: ClassVar[frozenset[str]] = frozenset({"job"})
    Spec = CallJobSpec

    def __init__(self, caller: JobCaller | None = None) -> None:
        self._caller = caller

    async def run(self, spec: CallJobSpec, ctx: StepContext) -> Output:
        if self._caller is None:
            raise StepRefused("A job is called by a step of its own, not from within another step.")

        def begun(run_id: RunId) -> None:
            ctx.log.info("run %s of job '%s' called", run_id, spec.job)

        return _outcome(spec.job, await self._caller.call(_call(spec, ctx), begun))


def _call(spec: CallJobSpec, ctx: StepContext) -> JobCall:
    return JobCall(
        job_id=JobId(spec.job),
        params={name: _literal(ctx.params[name]) for name in spec.params},
        caller=JobId(ctx.job_id),
        run_id=RunId(ctx.run_id),
        step_index=ctx.facts.step_index,
        attempt=ctx.attempt,
        session_user=ctx.session_user,
    )


def _literal(value: Any) -> Any:
    """The value such that the called run takes no part of it for a token: it is resolved."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, Mapping):
        return {key: _literal(item) for key, item in value.items()}
    return [_literal(item) for item in value] if isinstance(value, list | tuple) else value


def _outcome(job: str, run: CalledRun) -> Output:
    output = {"run_id": run.run_id, "state": run.state.value}
    what = f"Run {run.run_id} of job '{job}'"
    if run.state is RunState.CANCELED:
        raise StepCanceled(f"{what} was {run.reason or 'cancelled'}.", output=output)
    if run.state is not RunState.SUCCEEDED:
        message = f"{what} {run.state.lower()}: {run.reason or 'no reason is known'}."
        raise StepFailed(message, cause="CalledRunFailed", output=output)
    return output


STEP = CallJobStep()
