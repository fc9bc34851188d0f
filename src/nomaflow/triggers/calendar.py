"""Calendars: the days and windows in which a schedule starts nothing, and where it moves to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from nomaflow.config import CalendarSettings
from nomaflow.triggers.base import InvalidSchedule, Trigger
from nomaflow.triggers.zones import first_instant_of, local_time

_DAY = timedelta(days=1)
_LONGEST_MOVE = 60
_SATURDAY, _SUNDAY = 5, 6


@dataclass(frozen=True)
class Calendar:
    """`rule` as app.toml declares it under `name`."""

    name: str
    rule: CalendarSettings

    def check(self) -> None:
        """Raises InvalidSchedule for a country or a part of it that is unknown."""
        if self.rule.country is not None:
            _year(self.rule.country, self.rule.subdivision, 2026)
        elif self.rule.subdivision is not None:
            raise InvalidSchedule("Expected a country beside it.", field="subdivision")

    def holiday(self, day: date) -> str | None:
        """What that day is, if it is excluded."""
        dates = self.rule.dates
        if day in dates:
            return dates[day] if isinstance(dates, Mapping) else day.isoformat()
        if self.rule.country is None:
            return None
        return _year(self.rule.country, self.rule.subdivision, day.year).holidays.get(day)

    def blackout(self, at: datetime, zone: ZoneInfo) -> str | None:
        """What that instant falls into, if a window excludes it."""
        windows = self.rule.blackouts
        return next(
            (
                window.reason
                for window in windows
                if _aware(window.since, zone) <= at < _aware(window.until, zone)
            ),
            None,
        )

    def is_workday(self, day: date) -> bool:
        country = self.rule.country
        weekend = (
            _year(country, self.rule.subdivision, day.year).weekend
            if country
            else frozenset({_SATURDAY, _SUNDAY})
        )
        return day.weekday() not in weekend and self.holiday(day) is None


@dataclass(frozen=True)
class Exclusions:
    """A calendar as one job sees it: in its zone, its excluded due times moved or not."""

    calendar: Calendar
    zone: ZoneInfo
    are_moved: bool = False

    def reason(self, due: datetime) -> str | None:
        """Why the due time starts nothing; None: it starts."""
        found = self._found(due)
        if found is None:
            return None
        moved = self.moved(due) if self.are_moved else None
        suffix = f", moved to {local_time(moved, self.zone):%Y-%m-%d %H:%M}" if moved else ""
        return f"calendar {self.calendar.name}: {found}{suffix}"

    def moved(self, due: datetime) -> datetime | None:
        """The same local time of the next workday that is free; None: there is none for long."""
        local = local_time(due, self.zone)
        for days in range(1, _LONGEST_MOVE + 1):
            at = first_instant_of(local + days * _DAY, self.zone)
            is_workday = self.calendar.is_workday((local + days * _DAY).date())
            if is_workday and self._found(at) is None:
                return at
        return None

    def may_move_from(self, day: date) -> bool:
        """Whether a due time of that local day may be excluded."""
        return self.calendar.holiday(day) is not None or any(
            local_time(_aware(window.since, self.zone), self.zone).date()
            <= day
            <= local_time(_aware(window.until, self.zone), self.zone).date()
            for window in self.calendar.rule.blackouts
        )

    def _found(self, due: datetime) -> str | None:
        day = local_time(due, self.zone).date()
        return self.calendar.holiday(day) or self.calendar.blackout(due, self.zone)


@dataclass(frozen=True)
class Moved:
    """The due times of `trigger`, and those to which its excluded ones move."""

    trigger: Trigger
    exclusions: Exclusions

    def next_after(self, instant: datetime) -> datetime | None:
        regular = self.trigger.next_after(instant)
        moved = [to for to in self._moved_from(instant) if to > instant]
        return min([*moved, *([regular] if regular else [])], default=None)

    def words(self) -> dict[str, str]:
        return self.trigger.words()

    def _moved_from(self, instant: datetime) -> Iterator[datetime]:
        """Where the excluded due times until `instant` go: later ones cannot go before them."""
        zone = self.exclusions.zone
        today = local_time(instant, zone).date()
        for back in range(_LONGEST_MOVE, -1, -1):
            day = today - back * _DAY
            if self.exclusions.may_move_from(day):
                yield from self._moved_on(day, instant)

    def _moved_on(self, day: date, until: datetime) -> Iterator[datetime]:
        midnight = datetime.combine(day, datetime.min.time())
        zone = self.exclusions.zone
        end = min(until, first_instant_of(midnight + _DAY, zone) - timedelta(microseconds=1))
        due = self.trigger.next_after(first_instant_of(midnight, zone) - timedelta(microseconds=1))
        while due is not None and due <= end:
            if self.exclusions.reason(due) and (to := self.exclusions.moved(due)):
                yield to
            due = self.trigger.next_after(due)


@dataclass(frozen=True)
class _Year:
    holidays: Mapping[date, str]
    weekend: frozenset[int]


@lru_cache(maxsize=256)
def _year(country: str, subdivision: str | None, year: int) -> _Year:
    """One year of a country. Raises InvalidSchedule."""
    # Imported here: 60 ms and some megabytes that a catalogue without calendars never needs.
    from holidays import country_holidays

    try:
        found = country_holidays(country, subdiv=subdivision, years=year, language="en_US")
    except (NotImplementedError, AttributeError, TypeError):
        field = "subdivision" if subdivision and _is_country(country) else "country"
        raise InvalidSchedule(
            f"No holidays are known of '{subdivision if field == 'subdivision' else country}'. "
            "Expected a code such as 'FR', 'US' or 'DE', with 'BY' as a part of it.",
            field=field,
        ) from None
    return _Year(dict(found), frozenset(found.weekend))


def _is_country(country: str) -> bool:
    try:
        _year(country, None, 2026)
    except InvalidSchedule:
        return False
    return True


def _aware(at: datetime, zone: ZoneInfo) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
