"""/api/v1/pause: hold every schedule back for a while."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from nomaflow.api.models import PauseDetail, PauseInForce
from nomaflow.api.parts import Caller, Instant, Parts, SignedInRoute
from nomaflow.domain.definition import Definition
from nomaflow.services.views import pause_view

router = APIRouter(prefix="/pause", tags=["pause"], route_class=SignedInRoute)


class PauseRequest(Definition):
    """Why, until when (absent: until someone ends it), and which jobs go on."""

    reason: Annotated[str, Field(min_length=1, max_length=1000)] = "maintenance"
    until: Instant | None = None
    exceptions: tuple[str, ...] = ()


@router.get("", response_model=PauseInForce)
async def get_pause(api: Parts, _: Caller) -> dict[str, Any]:
    """The pause in force; null when schedules are kept."""
    pause = await api.pauses.in_force()
    return {"pause": None if pause is None else pause_view(pause)}


@router.post("", status_code=201, response_model=PauseDetail)
async def begin_pause(api: Parts, caller: Caller, wanted: PauseRequest) -> dict[str, Any]:
    """Pause every schedule but those of the exceptions; a pause in force is replaced."""
    pause = await api.pauses.begin(
        wanted.reason, until=wanted.until, exceptions=wanted.exceptions, by=caller
    )
    return pause_view(pause)


@router.delete("", response_model=PauseDetail)
async def end_pause(api: Parts, caller: Caller) -> dict[str, Any]:
    """End the pause in force. 409 when there is none."""
    return pause_view(await api.pauses.end(by=caller))
