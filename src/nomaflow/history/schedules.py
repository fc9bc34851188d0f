"""What is remembered of schedules beside their rows: which are over, and who last looked."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, select, tuple_, update

from nomaflow.clock import Clock
from nomaflow.domain.job import JobId
from nomaflow.domain.run import TriggerId
from nomaflow.history.database import Database
from nomaflow.history.prepared import Prepared
from nomaflow.history.tables import schedules, signs_of_life

SCHEDULER: Final = "scheduler"
MARK_LOOK: Final = Prepared(update(signs_of_life).where(signs_of_life.c.actor == SCHEDULER))


class ScheduleHistory:
    """Raises Unreachable when the store is away."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def retire(self, keys: Collection[tuple[JobId, TriggerId]]) -> None:
        """Forget how far schedules were decided that are in force no more.

        When one comes back it counts from then on: the time between is never caught up.
        """
        key = tuple_(schedules.c.job_id, schedules.c.trigger_id)
        gone = delete(schedules).where(key.in_(list(keys)))
        await self._database.write(lambda connection: connection.execute(gone))

    async def last_look(self) -> datetime | None:
        """When a scheduler on this store last told that it looks at the clock."""
        query = select(signs_of_life.c.seen_at).where(signs_of_life.c.actor == SCHEDULER)
        return await self._database.read(lambda connection: connection.scalar(query))

    async def note_look(self) -> None:
        """Tell that the clock is looked at; it stays known when the process is gone."""
        at = {"seen_at": self._clock.now()}

        def note(connection: Connection) -> None:
            if MARK_LOOK.run(connection, at).rowcount == 0:
                connection.execute(
                    self._database.store.insert_new(signs_of_life), at | {"actor": SCHEDULER}
                )

        await self._database.write(note)
