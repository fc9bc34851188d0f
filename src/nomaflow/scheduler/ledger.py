"""What the scheduler asks and writes: the seam between it and catalogue and store."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from nomaflow.domain.pause import Pause
from nomaflow.scheduler.plan import Decision, Key, ScheduleEntry


class Ledger(Protocol):
    """The schedules in force, how far each was decided, and the rows that decisions become."""

    def entries(self) -> Iterable[ScheduleEntry]:
        """The schedules of the enabled jobs."""

    async def cursors(self) -> Mapping[Key, datetime]:
        """The last due time of each schedule that was decided."""

    async def fire(self, decisions: Sequence[Decision], cursors: Mapping[Key, datetime]) -> None:
        """Write rows and cursors in one transaction; a due time that has its row is ignored."""

    async def retire(self, keys: Collection[Key]) -> Collection[Key]:
        """Forget the cursors of schedules that are in force no more; which ones those were."""

    async def pauses(self, since: datetime) -> Sequence[Pause]:
        """The global pauses that were in force at or after that instant."""

    async def last_look(self) -> datetime | None:
        """The last sign of life of a scheduler on this store; None: there never was one."""

    async def note_look(self) -> None:
        """Give a sign of life that outlives this process."""
