"""Global pauses: the one in force, and those that were."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, or_, select, update

from nomaflow.clock import Clock
from nomaflow.domain.job import JobId
from nomaflow.domain.pause import Pause
from nomaflow.history.database import Database
from nomaflow.history.rows import AnyRow
from nomaflow.history.tables import pauses


class PauseHistory:
    """Raises Unreachable when the store is away."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def begin(
        self, reason: str, *, until: datetime | None, exceptions: Collection[JobId], by: str
    ) -> Pause:
        """Pause everything but `exceptions`; a pause in force ends, this one takes its place."""
        now = self._clock.now()
        values = {
            "began_at": now,
            "until": until,
            "reason": reason,
            "exceptions": list(exceptions),
            "begun_by": by,
        }

        def begin(connection: Connection) -> Pause:
            _end(connection, now, by)
            begun = insert(pauses).values(values).returning(*pauses.columns)
            return _as_pause(connection.execute(begun).one())

        return await self._database.write(begin)

    async def end(self, by: str) -> Pause | None:
        """End the pause in force; None: there was none."""
        now = self._clock.now()
        return await self._database.write(lambda connection: _end(connection, now, by))

    async def in_force(self) -> Pause | None:
        """The pause that holds now."""
        now = self._clock.now()
        return next((pause for pause in await self.since(now) if pause.covers(now)), None)

    async def since(self, at: datetime) -> list[Pause]:
        """The pauses that were in force at or after that instant, oldest first."""
        return await self._database.read(lambda connection: pauses_in(connection, at))


def pauses_in(connection: Connection, at: datetime) -> list[Pause]:
    """The pauses that were in force at or after that instant, oldest first."""
    return [_as_pause(row) for row in connection.execute(_since(at))]


def _since(at: datetime) -> Select[*tuple[Any, ...]]:
    return (
        select(pauses)
        .where(or_(pauses.c.ended_at.is_(None), pauses.c.ended_at > at))
        .where(or_(pauses.c.until.is_(None), pauses.c.until > at))
        .order_by(pauses.c.id)
    )


def _end(connection: Connection, now: datetime, by: str) -> Pause | None:
    ended = (
        update(pauses)
        .where(pauses.c.ended_at.is_(None), or_(pauses.c.until.is_(None), pauses.c.until > now))
        .values(ended_at=now, ended_by=by)
        .returning(*pauses.columns)
    )
    row = connection.execute(ended).first()
    return None if row is None else _as_pause(row)


def _as_pause(row: AnyRow) -> Pause:
    values = dict(row._mapping)
    return Pause(**values | {"exceptions": tuple(values["exceptions"])})
