"""/api/v1/runs: the history, one run, its log, and cancelling it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from nomaflow.api.models import AttemptList, Lines, RunDetail, RunList, RunSummary
from nomaflow.api.parts import Caller, Instant, Parts, PathRunId, SignedInRoute
from nomaflow.domain.job import JobId, LogLevel
from nomaflow.domain.states import RunState
from nomaflow.history.logs import LineFilter
from nomaflow.history.pages import RunFilter
from nomaflow.services.views import attempt_run, log_line, run_detail, run_summary

router = APIRouter(prefix="/runs", tags=["runs"], route_class=SignedInRoute)


Text = Annotated[str, Query(pattern=r"^[^\x00]*$")]
Seq = Annotated[int, Query(ge=0, le=2**62)]
TEXT: dict[str, Any] = {"description": "Lines of text", "content": {"text/plain": {}}}


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


@router.get("/{run_id}/logs", response_model=Lines, response_model_exclude_unset=True)
async def get_lines(  # noqa: PLR0913  # one argument per filter of the address
    *,
    run_id: PathRunId,
    api: Parts,
    _: Caller,
    after: Seq = 0,
    before: Seq | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    tail: bool = False,
    level: LogLevel | None = None,
    step: Text | None = None,
    q: Text = "",
    count: bool = False,
) -> dict[str, Any]:
    """Stored lines with a sequence number above `after` and below `before`, in order.

    `level` leaves out what is less severe; `q` is looked for in any case; `tail` gives the last
    lines instead of the first; `count` tells how many lines of the whole log fit.
    """
    wanted = LineFilter(after, limit, level, step, before, q, tail)
    lines, matches = await api.runs.find_lines(run_id, wanted, count=count)
    shown = {"lines": [log_line(line) for line in lines]}
    return shown | ({"count": matches} if count else {})


@router.get("/{run_id}/log", response_class=StreamingResponse, responses={200: TEXT})
async def get_log(
    run_id: PathRunId,
    api: Parts,
    _: Caller,
    level: LogLevel | None = None,
    step: Text | None = None,
) -> StreamingResponse:
    """The stored log as a text file."""
    await api.runs.get(run_id)
    text = api.runs.log_text(run_id, LineFilter(level=level, step=step))
    headers = {"Content-Disposition": f'attachment; filename="run-{run_id}.log"'}
    return StreamingResponse(text, media_type="text/plain", headers=headers)


@router.post("/{run_id}/cancel", status_code=202, response_model=RunSummary)
async def cancel_run(run_id: PathRunId, api: Parts, caller: Caller) -> dict[str, Any]:
    """Ask the run to stop. 409 when it is final already."""
    return run_summary(await api.runs.cancel(run_id, by=caller))
