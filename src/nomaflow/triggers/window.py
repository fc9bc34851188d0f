"""A schedule that is valid for a while: from one instant to another."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from nomaflow.triggers.base import InvalidSchedule, Trigger

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The due times of `trigger` from `start_at` to `end_at`, both included; None: open."""

    trigger: Trigger
    start_at: datetime | None = None
    end_at: datetime | None = None

    def next_after(self, instant: datetime) -> datetime | None:
        if self.start_at is not None:
            instant = max(instant, self.start_at - _MOMENT)
        due = self.trigger.next_after(instant)
        return due if due is None or self.end_at is None or due <= self.end_at else None

    def words(self) -> dict[str, str]:
        return self.trigger.words()


def within(
    trigger: Trigger, start_at: datetime | None, end_at: datetime | None, zone: ZoneInfo
) -> Trigger:
    """The trigger between two times; a naive one is local in `zone`. Raises InvalidSchedule."""
    if start_at is None and end_at is None:
        return trigger
    start, end = _instant(start_at, zone), _instant(end_at, zone)
    if start is not None and end is not None and end < start:
        raise InvalidSchedule("The end is before start_at. Expected a later one.", field="end_at")
    return Window(trigger, start, end)


def _instant(at: datetime | None, zone: ZoneInfo) -> datetime | None:
    if at is None:
        return None
    try:
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise InvalidSchedule(
            f"'{at}' has no place in UTC. Expected a year from 2 to 9998.", field="start_at"
        ) from None
