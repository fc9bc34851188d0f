"""A global pause: while it holds, due times leave a row and start nothing. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from nomaflow.domain.job import JobId


@dataclass(frozen=True)
class Pause:
    """From `began_at` until `until`, or until someone ended it; jobs in `exceptions` go on."""

    id: int
    began_at: datetime
    until: datetime | None
    ended_at: datetime | None
    reason: str
    exceptions: tuple[JobId, ...]
    begun_by: str
    ended_by: str | None

    def covers(self, at: datetime) -> bool:
        """Whether it was in force at that instant."""
        ends = [end for end in (self.until, self.ended_at) if end is not None]
        return self.began_at <= at and all(at < end for end in ends)

    def holds(self, job_id: JobId, at: datetime) -> bool:
        """Whether the job's due time at that instant starts nothing."""
        return job_id not in self.exceptions and self.covers(at)

    def __str__(self) -> str:
        return f"paused: {self.reason}"


def pause_of(pauses: Iterable[Pause], job_id: JobId, at: datetime) -> Pause | None:
    """The first pause that holds the job's due time back; None: it starts."""
    return next((pause for pause in pauses if pause.holds(job_id, at)), None)
