"""What the routes call, and who calls them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from nomaflow.domain.run import RunId
from nomaflow.errors import NotFound, NotPermitted
from nomaflow.services.catalogue import CatalogueKeeper
from nomaflow.services.jobs import Jobs
from nomaflow.services.pauses import Pauses
from nomaflow.services.runs import Runs


@dataclass(frozen=True)
class ApiParts:
    """The use cases behind the routes.

    `sign_in` gives the name behind a token, or None; `is_ready` whether due times are kept.
    """

    jobs: Jobs
    runs: Runs
    pauses: Pauses
    catalogue: CatalogueKeeper
    sign_in: Callable[[str], Awaitable[str | None]]
    is_ready: Callable[[], bool]


def parts(request: Request) -> ApiParts:
    return cast("ApiParts", request.app.state.parts)


Parts = Annotated[ApiParts, Depends(parts)]


async def caller(request: Request, api: Parts) -> str:
    """Who calls: `api:<token name>`. Raises NotPermitted without a token that is in force."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    name = await api.sign_in(token.strip()) if scheme.lower() == "bearer" else None
    if name is None:
        raise NotPermitted(
            "Sign in with a token: send the header 'Authorization: Bearer TOKEN'. "
            "'nomaflow tokens create NAME' makes one."
        )
    return f"api:{name}"


Caller = Annotated[str, Depends(caller)]


def run_id(run_id: str) -> RunId:
    """The run's id from the path; what cannot be one is simply not found."""
    if not run_id.isascii() or not run_id.isdigit() or len(run_id) > 18:
        raise NotFound(f"No run '{run_id[:40]}'.")
    return RunId(int(run_id))


PathRunId = Annotated[RunId, Depends(run_id)]
