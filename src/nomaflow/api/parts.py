"""What the routes call, and who calls them."""

import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator, BeforeValidator

from nomaflow.domain.run import RunId
from nomaflow.errors import NotFound, NotPermitted
from nomaflow.services.catalogue import CatalogueKeeper
from nomaflow.services.choices import Choices
from nomaflow.services.figures import Figures
from nomaflow.services.jobs import Jobs
from nomaflow.services.pauses import Pauses
from nomaflow.services.preflight import Preflights
from nomaflow.services.repeats import Repeats
from nomaflow.services.revisions import Revisions
from nomaflow.services.runs import Runs
from nomaflow.services.schedule import Schedule
from nomaflow.services.undo import Undo
from nomaflow.services.why import Why


@dataclass(frozen=True)
class ApiParts:
    """The use cases behind the routes.

    `sign_in` gives the name behind a token, or None; `is_ready` whether due times are kept;
    `metrics_open` whether the figures need no token.
    """

    jobs: Jobs
    choices: Choices
    runs: Runs
    repeats: Repeats
    preflights: Preflights
    undo: Undo
    pauses: Pauses
    why: Why
    catalogue: CatalogueKeeper
    revisions: Revisions
    schedule: Schedule
    figures: Figures
    sign_in: Callable[[str], Awaitable[str | None]]
    is_ready: Callable[[], bool]
    metrics_open: bool


async def parts(request: Request) -> ApiParts:
    """What the routes call; a coroutine, because FastAPI takes a plain function to a thread."""
    return cast("ApiParts", request.app.state.parts)


Parts = Annotated[ApiParts, Depends(parts)]


bearer = HTTPBearer(
    auto_error=False, description="An API token: `nomaflow tokens create NAME` makes one."
)
Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]


async def sign_in(request: Request) -> str:
    """Who calls: `api:<token name>`. Raises NotPermitted without a token that is in force."""
    shown = await bearer(request)
    api = await parts(request)
    name = None if shown is None else await api.sign_in(shown.credentials.strip())
    if name is None:
        raise NotPermitted(
            "Sign in with a token: send the header 'Authorization: Bearer TOKEN'. "
            "'nomaflow tokens create NAME' makes one."
        )
    return f"api:{name}"


class SignedInRoute(APIRoute):
    """Asks who calls before anything else: nothing of a stranger's body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def answer_signed_in(request: Request) -> Response:
            request.state.caller = await sign_in(request)
            return await answer(request)

        return answer_signed_in


async def caller(request: Request, _: Bearer) -> str:
    """Who calls, on a SignedInRoute."""
    return cast("str", request.state.caller)


Caller = Annotated[str, Depends(caller)]


async def run_id(run_id: str) -> RunId:
    """The run's id from the path; what cannot be one is simply not found."""
    if not run_id.isascii() or not run_id.isdigit() or len(run_id) > 18:
        raise NotFound(f"No run '{run_id[:40]}'.")
    return RunId(int(run_id))


def in_utc(at: datetime) -> datetime:
    """The instant in UTC; one without a zone is UTC already."""
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("this instant has no place in UTC") from None


BEGINS_WITH_A_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def iso_text(value: object) -> object:
    """Only ISO 8601: a number, which would count seconds, is no instant here."""
    if not isinstance(value, str) or not BEGINS_WITH_A_DAY.match(value):
        raise ValueError("expected an ISO instant such as 2026-03-28T00:00:00Z")
    return value


Instant = Annotated[datetime, BeforeValidator(iso_text), AfterValidator(in_utc)]

PathRunId = Annotated[RunId, Depends(run_id)]
