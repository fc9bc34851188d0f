"""The seam of the triggers: a rule that names due times."""

from datetime import datetime
from typing import Protocol

from nomaflow.errors import NomaflowError


class InvalidSchedule(NomaflowError):
    """A schedule, interval, anchor or time zone cannot be read, or never fires.

    `field` is the job's field that holds the mistake.
    """

    def __init__(self, message: str, *, field: str = "schedule") -> None:
        super().__init__(message)
        self.field = field


class Trigger(Protocol):
    """Names due times. Pure: the same answer in every process, at any time."""

    def next_after(self, instant: datetime) -> datetime | None:
        """The first due time strictly after `instant`, both aware and in UTC; None: never again."""

    def words(self) -> dict[str, str]:
        """The rule by language code: `every weekday at 02:00`, `tous les jours ouvrés à 02:00`."""
