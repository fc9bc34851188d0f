"""Every text that a file of the home folder had when it was saved or loaded."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, insert, select

from nomaflow.clock import Clock
from nomaflow.errors import NotFound
from nomaflow.history.database import Database
from nomaflow.history.tables import revisions


@dataclass(frozen=True)
class Revision:
    """One text of `file`, and who saved it."""

    id: int
    file: str
    sha256: str
    text: str
    who: str
    note: str | None
    saved_at: datetime


@dataclass(frozen=True)
class RevisionFilter:
    """Which revisions: of one file or of all, with an id below `before`, at most `limit`."""

    file: str | None = None
    before: int | None = None
    limit: int = 50


class RevisionHistory:
    """Texts as they were written, tokens and sealed values unresolved."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def save(self, file: str, text: str, *, who: str, note: str | None = None) -> int:
        """The revision's id; the file's last one again when the text is still the same."""
        digest = sha256(text.encode()).hexdigest()
        new = insert(revisions).values(
            file=file, sha256=digest, text=text, who=who, note=note, saved_at=self._clock.now()
        )
        last = select(revisions.c.id, revisions.c.sha256).where(revisions.c.file == file)
        last = last.order_by(revisions.c.id.desc()).limit(1)

        def save(connection: Connection) -> int:
            self._database.store.lock(connection, "revisions")
            found = connection.execute(last).first()
            if found is not None and found.sha256 == digest:
                return int(found.id)
            return int(connection.execute(new.returning(revisions.c.id)).scalar_one())

        return await self._database.write(save)

    async def page(self, wanted: RevisionFilter) -> list[Revision]:
        """Revisions, newest first."""
        query = select(revisions).order_by(revisions.c.id.desc()).limit(wanted.limit)
        if wanted.file is not None:
            query = query.where(revisions.c.file == wanted.file)
        if wanted.before is not None:
            query = query.where(revisions.c.id < wanted.before)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Revision(**row._mapping) for row in rows]

    async def before(self, revision: Revision) -> Revision | None:
        """The one that this one replaced; None for the file's first."""
        found = await self.page(RevisionFilter(revision.file, before=revision.id, limit=1))
        return found[0] if found else None

    async def get(self, revision_id: int) -> Revision:
        """The revision. Raises NotFound."""
        query = select(revisions).where(revisions.c.id == revision_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            raise NotFound(f"There is no revision {revision_id}.")
        return Revision(**row._mapping)
