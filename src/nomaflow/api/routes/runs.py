"""/api/v1/runs: the history, one run, its log, and cancelling it."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AfterValidator

from nomaflow.api.models import AttemptList, Lines, RunDetail, RunList, RunSummary
from nomaflow.api.parts import Caller, Parts, PathRunId
from nomaflow.domain.job import JobId
from nomaflow.domain.states import RunState
from nomaflow.history.pages import RunFilter
from nomaflow.services.views import attempt_run, log_line, run_detail, run_summary

router = APIRouter(prefix="/runs", tags=["runs"])


def _in_utc(at: datetime) -> datetime:
    """The instant in UTC; one without a zone is UTC already."""
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("this instant has no place in UTC") from None


Instant = Annotated[datetime, AfterValidator(_in_utc)]
Text = Annotated[str, Query(pattern=r"^[^\x00]*$")]


@router.get("", response_model=RunList)
async def list_runs(  # noqa: PLR0913, PLR0917  # one argument per filter of the address
    api: Parts,
    _: Caller,
    job: Text | None = None,
    state: Annotated[list[RunState] | None, Query()] = None,
    since: Instant | None = None,
    until: Instant | None = None,
    q: Text | None = None,
    cursor: Text | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Runs, newest first; `next_cursor` fetches the page after this one, null at the end."""
    wanted = RunFilter(
        job_id=JobId(job) if job else None,
        states=frozenset(state or ()),
        since=since,
        until=until,
        text=q or "",
        cursor=cursor,
        limit=limit,
    )
    page = await api.runs.page(wanted)
    return {"runs": [run_summary(run) for run in page.runs], "next_cursor": page.next_cursor}


@router.get("/{run_id}", response_model=RunDetail)
async def get_run(run_id: PathRunId, api: Parts, _: Caller) -> dict[str, Any]:
    """One run with its steps."""
    return run_detail(*await api.runs.get(run_id))


@router.get("/{run_id}/attempts", response_model=AttemptList)
async def get_attempts(run_id: PathRunId, api: Parts, _: Caller) -> dict[str, Any]:
    """Each try of each step, in order, with its own output and error."""
    return {
        "attempts": [attempt_run(name, tried) for name, tried in await api.runs.attempts(run_id)]
    }


@router.get("/{run_id}/logs", response_model=Lines)
async def get_lines(
    run_id: PathRunId,
    api: Parts,
    _: Caller,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> dict[str, Any]:
    """Stored lines with a sequence number above `after`, in order."""
    lines = await api.runs.lines(run_id, after=after, limit=limit)
    return {"lines": [log_line(line) for line in lines]}


@router.post("/{run_id}/cancel", status_code=202, response_model=RunSummary)
async def cancel_run(run_id: PathRunId, api: Parts, caller: Caller) -> dict[str, Any]:
    """Ask the run to stop. 409 when it is final already."""
    return run_summary(await api.runs.cancel(run_id, by=caller))
