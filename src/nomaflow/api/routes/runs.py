"""/api/v1/runs: the history, one run, its log, and cancelling it."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from nomaflow.api.parts import Caller, Parts, PathRunId
from nomaflow.domain.job import JobId
from nomaflow.domain.states import RunState
from nomaflow.history.pages import RunFilter
from nomaflow.services.views import log_line, run_detail, run_summary

router = APIRouter(prefix="/runs", tags=["runs"])


@router.get("")
async def list_runs(  # noqa: PLR0913, PLR0917  # one argument per filter of the address
    api: Parts,
    _: Caller,
    job: str | None = None,
    state: Annotated[list[RunState] | None, Query()] = None,
    since: datetime | None = None,
    until: datetime | None = None,
    q: str | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Runs, newest first; `next_cursor` fetches the page after this one, null at the end."""
    wanted = RunFilter(
        job_id=JobId(job) if job else None,
        states=frozenset(state or ()),
        since=_aware(since),
        until=_aware(until),
        text=q or "",
        cursor=cursor,
        limit=limit,
    )
    page = await api.runs.page(wanted)
    return {"runs": [run_summary(run) for run in page.runs], "next_cursor": page.next_cursor}


@router.get("/{run_id}")
async def get_run(run_id: PathRunId, api: Parts, _: Caller) -> dict[str, Any]:
    """One run with its steps."""
    return run_detail(*await api.runs.get(run_id))


@router.get("/{run_id}/logs")
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


@router.post("/{run_id}/cancel", status_code=202)
async def cancel_run(run_id: PathRunId, api: Parts, caller: Caller) -> dict[str, Any]:
    """Ask the run to stop. 409 when it is final already."""
    return run_summary(await api.runs.cancel(run_id, by=caller))


def _aware(at: datetime | None) -> datetime | None:
    """An instant of the address without a zone is UTC."""
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
