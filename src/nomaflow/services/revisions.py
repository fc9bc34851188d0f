"""Use cases on revisions: list them, compare them, go back to one."""

from difflib import unified_diff

from nomaflow.errors import NotFound
from nomaflow.history.revisions import Revision, RevisionFilter, RevisionHistory
from nomaflow.services.catalogue import CatalogueKeeper, CatalogueState


class Revisions:
    """The texts that the files of the home folder had, and who saved them."""

    def __init__(self, history: RevisionHistory, keeper: CatalogueKeeper) -> None:
        self._history = history
        self._keeper = keeper

    async def page(self, wanted: RevisionFilter) -> list[Revision]:
        """Revisions, newest first."""
        return await self._history.page(wanted)

    async def get(self, revision_id: int) -> Revision:
        """Raises NotFound."""
        return await self._history.get(revision_id)

    async def of_run(self, revision_id: int | None) -> Revision:
        """The revision that a run used. Raises NotFound when it used none."""
        if revision_id is None:
            raise NotFound("This run used no text of the home folder.")
        return await self._history.get(revision_id)

    async def diff(self, revision_id: int, other: int | None = None) -> str:
        """What changed from `other`, or else the one before, to this one, as a unified diff.

        Empty when nothing did. Raises NotFound.
        """
        new = await self._history.get(revision_id)
        old = await (self._history.get(other) if other else self._history.before(new))
        return "\n".join(
            unified_diff(
                old.text.splitlines() if old else [],
                new.text.splitlines(),
                f"{old.file} revision {old.id}" if old else "nothing",
                f"{new.file} revision {new.id}",
                lineterm="",
            )
        )

    async def rollback(self, revision_id: int, *, by: str, note: str | None) -> CatalogueState:
        """Give the file the text of that revision, which makes a new one, and take it over.

        Raises NotFound; InvalidConfiguration when the text has problems by now; Refused when the
        file was changed since it was last read, or has that text already.
        """
        revision = await self._history.get(revision_id)
        note = note or f"back to revision {revision_id}"
        return await self._keeper.save(revision.file, revision.text, by=by, note=note)
