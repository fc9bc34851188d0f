"""/api/v1/revisions: the texts that the files had, what changed between them, and going back."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from nomaflow.api.models import CatalogueFacts, RevisionDetail, RevisionDiff, RevisionList
from nomaflow.api.parts import Caller, Parts, PathRunId, SignedInRoute
from nomaflow.domain.definition import Definition
from nomaflow.history.revisions import RevisionFilter
from nomaflow.services.views import catalogue_state, revision_detail, revision_row

router = APIRouter(tags=["revisions"], route_class=SignedInRoute)

Id = Annotated[int, Path(ge=1, le=2**62)]
OtherId = Annotated[int | None, Query(ge=1, le=2**62)]
File = Literal["app.toml", "connectors.toml", "jobs.toml"]


class RollbackRequest(Definition):
    """Why the file goes back."""

    note: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")] | None = None


@router.get("/revisions", response_model=RevisionList)
async def list_revisions(
    api: Parts,
    _: Caller,
    file: File | None = None,
    before: OtherId = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Revisions, newest first; `before` an id fetches older ones."""
    found = await api.revisions.page(RevisionFilter(file, before, limit))
    return {"revisions": [revision_row(revision) for revision in found]}


@router.get("/revisions/{revision_id}", response_model=RevisionDetail)
async def get_revision(revision_id: Id, api: Parts, _: Caller) -> dict[str, Any]:
    """One revision with its text."""
    return revision_detail(await api.revisions.get(revision_id))


@router.get("/revisions/{revision_id}/diff", response_model=RevisionDiff)
async def get_diff(
    revision_id: Id, api: Parts, _: Caller, other: Annotated[OtherId, Query(alias="with")] = None
) -> dict[str, str]:
    """What changed from the revision `with`, or else from the file's one before, to this one."""
    return {"diff": await api.revisions.diff(revision_id, other)}


@router.post("/revisions/{revision_id}/rollback", response_model=CatalogueFacts)
async def roll_back(
    revision_id: Id, api: Parts, caller: Caller, wanted: RollbackRequest | None = None
) -> dict[str, Any]:
    """Give the file that text again, as a new revision, and take it over.

    422 when the text has problems by now, 409 when the file was changed since it was last read.
    """
    note = wanted.note if wanted else None
    return catalogue_state(await api.revisions.rollback(revision_id, by=caller, note=note))


@router.get("/runs/{run_id}/revision", response_model=RevisionDetail)
async def get_revision_of_run(run_id: PathRunId, api: Parts, _: Caller) -> dict[str, Any]:
    """The revision of jobs.toml that the run went by; 404 when it used none."""
    run, _steps = await api.runs.get(run_id)
    return revision_detail(await api.revisions.of_run(run.revision_id))
