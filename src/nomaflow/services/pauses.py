"""Use cases on the global pause: begin, end, look."""

from collections.abc import Callable, Sequence
from datetime import datetime

from nomaflow.catalogue.model import Catalogue
from nomaflow.clock import Clock
from nomaflow.domain.pause import Pause
from nomaflow.errors import Refused
from nomaflow.history.pauses import PauseHistory


class Pauses:
    """Holds every schedule back for a while; runs by hand and runs in flight go on."""

    def __init__(
        self, history: PauseHistory, catalogue: Callable[[], Catalogue], clock: Clock
    ) -> None:
        self._history = history
        self._catalogue = catalogue
        self._clock = clock

    async def begin(
        self, reason: str, *, until: datetime | None, exceptions: Sequence[str], by: str
    ) -> Pause:
        """Pause every job but `exceptions`; it takes the place of a pause in force.

        Raises NotFound for a job that there is not, Refused for an end in the past.
        """
        if until is not None and until <= self._clock.now():
            raise Refused(f"The pause would have ended at {until.isoformat()}. Give a later end.")
        jobs = [self._catalogue().job(name).id for name in dict.fromkeys(exceptions)]
        return await self._history.begin(reason, until=until, exceptions=jobs, by=by)

    async def end(self, *, by: str) -> Pause:
        """End the pause in force. Raises Refused when there is none."""
        ended = await self._history.end(by)
        if ended is None:
            raise Refused("Nothing is paused.")
        return ended

    async def in_force(self) -> Pause | None:
        """The pause that holds now."""
        return await self._history.in_force()
