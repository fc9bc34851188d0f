"""Cron in a time zone, with the DST rules of Debian's cron."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from nomaflow.triggers.expression import CronExpression, read_cron
from nomaflow.triggers.languages import LANGUAGES
from nomaflow.triggers.words import cron_in_words
from nomaflow.triggers.zones import (
    first_change,
    first_instant_of,
    local_time,
    offset_at,
    zone_named,
)

_SECOND = timedelta(seconds=1)
_PATIENCE = timedelta(days=50 * 366)


@dataclass(frozen=True, slots=True)
class CronTrigger:
    """Fires when the wall clock of `zone` matches `text`.

    A fixed time that the zone jumps over fires once, at the first instant after the gap; one that
    comes twice fires at the first. With a star in minute or hour the schedule follows real time.
    """

    text: str
    zone: ZoneInfo
    expression: CronExpression = field(compare=False, repr=False)

    @classmethod
    def parse(cls, text: str, timezone: str) -> "CronTrigger":
        """Raises InvalidSchedule, naming the field and what was expected."""
        return cls(text, zone_named(timezone), read_cron(text))

    def next_after(self, instant: datetime) -> datetime | None:
        return _next_after(self, instant)

    def words(self) -> dict[str, str]:
        return {code: cron_in_words(self.expression, tongue) for code, tongue in LANGUAGES.items()}

    def search(self, instant: datetime) -> datetime | None:
        """What `next_after` finds, looked for anew."""
        try:
            if self.expression.is_wildcard:
                return self._in_real_time(instant)
            return self._at_fixed_time(instant)
        except OverflowError:
            return None  # past year 9999

    def _at_fixed_time(self, instant: datetime) -> datetime | None:
        local = self.expression.next_local(local_time(instant, self.zone))
        while local is not None:
            fires_at = first_instant_of(local, self.zone)
            if fires_at > instant:
                return fires_at
            local = self.expression.next_local(local)
        return None

    def _in_real_time(self, instant: datetime) -> datetime | None:
        """Look in each stretch of constant offset, one after the other."""
        since, after = instant, local_time(instant, self.zone)
        while since - instant < _PATIENCE:
            local = self.expression.next_local(after)
            if local is None:
                return None
            fires_at = local.replace(tzinfo=UTC) - offset_at(since, self.zone)
            change = first_change(self.zone, after=since, until=fires_at)
            if change is None:
                return fires_at
            since, after = change, local_time(change, self.zone) - _SECOND
        return None


@lru_cache(maxsize=8192)
def _next_after(trigger: CronTrigger, instant: datetime) -> datetime | None:
    """Jobs share schedules, and what was armed is asked again when it is due."""
    return trigger.search(instant)
