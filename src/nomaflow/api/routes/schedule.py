"""/api/v1/schedule: what ran, what comes, and what an expression would do."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from nomaflow.api.models import SchedulePreview, ScheduleWindow
from nomaflow.api.parts import Caller, Instant, Parts, SignedInRoute
from nomaflow.services.views import schedule_preview, schedule_window

router = APIRouter(prefix="/schedule", tags=["schedule"], route_class=SignedInRoute)


@router.get("", response_model=ScheduleWindow)
async def get_schedule(
    api: Parts,
    _: Caller,
    since: Instant | None = None,
    until: Instant | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> dict[str, Any]:
    """Runs and due times from `since` (a day ago) to `until` (a day ahead), 400 days at most."""
    return schedule_window(await api.schedule.window(since, until, limit))


@router.get("/preview", response_model=SchedulePreview)
async def preview_schedule(
    api: Parts,
    _: Caller,
    expression: Annotated[str, Query(max_length=200)],
    timezone: Annotated[str | None, Query(max_length=100)] = None,
    start: Annotated[Instant | None, Query(alias="from")] = None,
    count: Annotated[int, Query(ge=1, le=1000)] = 5,
) -> dict[str, Any]:
    """The next due times of a cron expression or an interval, in words, with what DST does."""
    shown = await api.schedule.preview(expression, timezone=timezone, start=start, count=count)
    return schedule_preview(shown)
