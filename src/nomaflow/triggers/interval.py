"""Intervals: elapsed time counted from an anchor, so that no restart ever shifts them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nomaflow.domain.durations import duration
from nomaflow.triggers.base import InvalidSchedule
from nomaflow.triggers.languages import LANGUAGES
from nomaflow.triggers.words import interval_in_words

EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class IntervalTrigger:
    """Fires at `anchor` and every `every` before and after it; zone and DST play no part."""

    every: timedelta
    anchor: datetime

    @classmethod
    def parse(cls, text: str, anchor: str = EPOCH) -> "IntervalTrigger":
        """`text` such as '90s', '15m', '4h', '1d', '1h30m'; `anchor` an ISO 8601 instant.

        Raises InvalidSchedule.
        """
        return cls(_duration(text), _instant(anchor))

    def next_after(self, instant: datetime) -> datetime | None:
        try:
            return self.anchor + ((instant - self.anchor) // self.every + 1) * self.every
        except OverflowError:
            return None  # past year 9999

    def words(self) -> dict[str, str]:
        return {code: interval_in_words(self.every, tongue) for code, tongue in LANGUAGES.items()}


def _duration(text: str) -> timedelta:
    try:
        every = duration(text)
    except ValueError:
        every = timedelta(0)
    if not every:
        raise InvalidSchedule(
            f"Interval '{text[:50]}' cannot be read. Expected a whole number with s, m, h or d, "
            "such as '90s', '15m', '4h', '1d' or '1h30m', of at least one second.",
            field="interval",
        )
    return every


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise InvalidSchedule(
            f"Interval anchor '{text[:50]}' is not an instant. Expected ISO 8601 with an offset, "
            "such as '2026-01-01T06:00:00Z'.",
            field="interval_anchor",
        )
    return instant.astimezone(UTC)
