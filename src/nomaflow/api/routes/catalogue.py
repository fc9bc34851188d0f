"""/api/v1/catalogue: what is in force, and reading the files again."""

from typing import Any

from fastapi import APIRouter

from nomaflow.api.models import CatalogueFacts
from nomaflow.api.parts import Caller, Parts, SignedInRoute
from nomaflow.services.views import catalogue_state

router = APIRouter(tags=["catalogue"], route_class=SignedInRoute)


@router.get("/catalogue", response_model=CatalogueFacts)
async def get_catalogue(api: Parts, _: Caller) -> dict[str, Any]:
    """What is in force, and every problem of the files."""
    return catalogue_state(api.catalogue.state())


@router.post("/reload", response_model=CatalogueFacts)
async def reload(api: Parts, _: Caller) -> dict[str, Any]:
    """Read the files again at once; a mistake in them ends nothing that works."""
    return catalogue_state(await api.catalogue.reload())
