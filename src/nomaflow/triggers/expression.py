"""Cron expressions: the catalogue's text, read into the local times that it matches.

cronsim reads the fields and matches days; what it does not know is prepared here: aliases, seconds
in the last place, `?`, and ranges that wrap around.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from cronsim import CronSim, CronSimError

from nomaflow.triggers.base import InvalidSchedule

ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

_DAY_PLACES = ("day-of-month", "day-of-week")
_LONGEST = 1000
_YEARS_AHEAD = 50  # a 29 February that is a Monday can be 40 years away
_SOME_DAY = datetime.combine(date(2000, 1, 1), time())
_SECOND, _DAY = timedelta(seconds=1), timedelta(days=1)
_RANGE = re.compile(r"(\w+)-(\w+)(?:/([1-9]\d*))?", re.ASCII)
_STEPPED_MONTH_END = re.compile(r"LW?/")


@dataclass(frozen=True)
class _Place:
    """One of the six fields: the numbers that may stand there, `ring` of them before it repeats."""

    name: str
    numbers: range
    ring: int
    expected: str
    names: Sequence[str] = ()

    def prepared(self, text: str) -> str:
        """The field's text in cronsim's words; what is wrong stays for cronsim to refuse."""
        if text == "?" and self.name in _DAY_PLACES:
            return "*"
        return ",".join(self._spelled_out(term) for term in text.split(","))

    def _spelled_out(self, term: str) -> str:
        """A range as a list: cronsim knows none that wraps, and reads 5-5/2 as 5/2."""
        found = _RANGE.fullmatch(term)
        first, last = (self._number(end) for end in found.group(1, 2)) if found else (None, None)
        if found is None or first is None or last is None:
            return term
        numbers = self._between(first, last)[:: int(found[3] or 1)]
        return ",".join(str(number) for number in numbers)

    def _between(self, first: int, last: int) -> list[int]:
        if first <= last:
            return list(range(first, last + 1))
        low, length = self.numbers[0], (last - first) % self.ring + 1
        return [low + (first - low + i) % self.ring for i in range(length)]

    def _number(self, text: str) -> int | None:
        if text in self.names:
            return self.numbers[0] + self.names.index(text)
        number = int(text) if text.isdigit() else None
        return number if number in self.numbers else None


_PLACES = (
    _Place("second", range(60), 60, "0-59"),
    _Place("minute", range(60), 60, "0-59"),
    _Place("hour", range(24), 24, "0-23"),
    _Place("day-of-month", range(1, 32), 31, "1-31, L or LW"),
    _Place("month", range(1, 13), 12, "1-12 or JAN-DEC", _MONTHS),
    _Place("day-of-week", range(8), 7, "0-7 or SUN-SAT, 5L or 1#2", _WEEKDAYS),
)


@dataclass(frozen=True, eq=False)
class CronExpression:
    """The local times that an expression matches; it knows nothing of time zones.

    The numbers are sorted. `is_wildcard`: minute or hour begin with a star, so that Debian's cron
    follows real time. `days` knows which days fit day-of-month and day-of-week.
    """

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    is_wildcard: bool
    days: CronSim

    def next_local(self, after: datetime) -> datetime | None:
        """The first matching local time strictly after `after` (both naive); None: never again."""
        start = after + _SECOND - timedelta(microseconds=after.microsecond)
        if self._holds_day(start.date()) and (found := self._time_from(start.time())):
            return datetime.combine(start.date(), found)
        day = self._next_day(start.date())
        first = time(self.hours[0], self.minutes[0], self.seconds[0])
        return datetime.combine(day, first) if day else None

    def _time_from(self, start: time) -> time | None:
        dials = (self.hours, self.minutes, self.seconds)
        reading = _turned_to(dials, (start.hour, start.minute, start.second))
        if reading is None:
            return None
        hour, minute, second = reading
        return time(hour, minute, second)

    def _holds_day(self, day: date) -> bool:
        return day.month in self.months and self.days.match_day(day)

    def _next_day(self, day: date) -> date | None:
        last_year = day.year + _YEARS_AHEAD
        day += _DAY
        while day.year <= last_year:
            if day.month not in self.months:
                day = _first_of_next_month(day)
            elif self.days.match_day(day):
                return day
            else:
                day += _DAY
        return None


@lru_cache(maxsize=8192)
def read_cron(text: str) -> CronExpression:
    """Read `text`, with its 5 fields, a sixth for seconds, or an alias. Raises InvalidSchedule."""
    if len(text) > _LONGEST or not text.isascii():
        raise InvalidSchedule(
            f"The schedule is not a cron expression: expected plain ASCII text of at most "
            f"{_LONGEST} characters, such as '0 2 * * *'."
        )
    written = _six_fields(text)
    _refuse_unreadable(text, written)
    fields = [place.prepared(field) for place, field in zip(_PLACES, written, strict=True)]
    second, minute, hour, _, month, _ = map(_numbers, _PLACES, fields)
    expression = CronExpression(
        seconds=second,
        minutes=minute,
        hours=hour,
        months=month,
        is_wildcard=fields[1].startswith("*") or fields[2].startswith("*"),
        days=_day_rule(fields[3], fields[5]),
    )
    if expression.next_local(_SOME_DAY) is None:
        raise _never_fires(text)
    return expression


def _six_fields(text: str) -> list[str]:
    """The fields in upper case, seconds first."""
    fields = ALIASES.get(text.strip().lower(), text).upper().split()
    if text.lstrip().startswith("@") and len(fields) == 1:
        raise InvalidSchedule(
            f"Schedule '{text}' is not an alias. Expected one of {', '.join(ALIASES)}."
        )
    if len(fields) not in (5, 6):
        raise InvalidSchedule(
            f"Schedule '{text}' has {len(fields)} fields. Expected 5 (minute, hour, day-of-month, "
            "month, day-of-week), or 6 with seconds in the last place."
        )
    return [fields[5] if len(fields) == 6 else "0", *fields[:5]]


def _refuse_unreadable(text: str, written: Sequence[str]) -> None:
    for place, field in zip(_PLACES, written, strict=True):
        try:
            _numbers(place, place.prepared(field))
        except CronSimError:
            raise InvalidSchedule(
                f"Schedule '{text}': {place.name} '{field}' cannot be read. Expected "
                f"{place.expected}, or a list (1,5), range (1-5) or step (*/5) of them."
            ) from None


@lru_cache(maxsize=8192)
def _numbers(place: _Place, field: str) -> tuple[int, ...]:
    """The plain numbers that a field names, sorted. Raises CronSimError."""
    if _STEPPED_MONTH_END.search(field):
        raise CronSimError
    sim = CronSim(" ".join(field if other is place else "*" for other in _PLACES), _SOME_DAY)
    named = (sim.seconds, sim.minutes, sim.hours, sim.days, sim.months, sim.weekdays)
    items = named[_PLACES.index(place)]
    return tuple(sorted(item for item in items if isinstance(item, int) and item >= 0))


@lru_cache(maxsize=8192)
def _day_rule(day_of_month: str, day_of_week: str) -> CronSim:
    return CronSim(f"0 0 {day_of_month} * {day_of_week}", _SOME_DAY)


def _never_fires(text: str) -> InvalidSchedule:
    return InvalidSchedule(
        f"Schedule '{text}' never fires: day-of-month, month and day-of-week name no day that "
        "exists. Expected a day that comes in one of the chosen months."
    )


def _turned_to(dials: Sequence[Sequence[int]], reading: Sequence[int]) -> tuple[int, ...] | None:
    """The least reading of the dials that is not below `reading`; None: all are lower."""
    if not dials:
        return ()
    dial, value = dials[0], reading[0]
    at = bisect_left(dial, value)
    if at < len(dial) and dial[at] == value:
        rest = _turned_to(dials[1:], reading[1:])
        if rest is not None:
            return (value, *rest)
        at += 1
    return (dial[at], *(lower[0] for lower in dials[1:])) if at < len(dial) else None


def _first_of_next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
