"""What Debian's cron would do, minute by minute: written from its cron.c, knows nothing of ours.

Debian keeps a virtual time (the wall clock, counted in minutes) beside the real one and compares
them each minute:

- one minute on: run everything that matches;
- a jump forward: run the jobs with a star in minute or hour for the present minute alone, and the
  others for every minute that was jumped over;
- not forward: run the jobs with a star alone, until the wall clock has caught up.

The house differs in two places, both laid down in its contract: a jump of more than three hours
(a zone that skips a day) is treated like any other, and jobs may name seconds, for which the same
rules count in seconds.
"""

import calendar
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

Tick = tuple[datetime, datetime]


@dataclass(frozen=True)
class Entry:
    """One line of a crontab, its fields expanded to sets."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    has_star: bool
    day_holds: Callable[[date], bool]

    def holds(self, local: datetime) -> bool:
        return (
            local.minute in self.minutes
            and local.hour in self.hours
            and local.second in self.seconds
            and local.month in self.months
            and self.day_holds(local.date())
        )


def entry(text: str) -> Entry:
    """Read five fields, or six with the seconds last."""
    minute, hour, dom, month, dow, *second = text.upper().split()
    return Entry(
        seconds=expand(second[0] if second else "0", 0, 59),
        minutes=expand(minute, 0, 59),
        hours=expand(hour, 0, 23),
        months=expand(month, 1, 12, MONTHS),
        has_star=minute[0] == "*" or hour[0] == "*",
        day_holds=_day_rule(dom, dow),
    )


def expand(
    field: str, low: int, high: int, names: Sequence[str] = (), *, ring: int | None = None
) -> frozenset[int]:
    """The numbers that a field names; a range that runs backwards goes round the `ring`."""

    def number(text: str) -> int:
        return names.index(text) + low if text in names else int(text)

    def between(first: int, last: int) -> list[int]:
        if first <= last:
            return list(range(first, last + 1))
        size = ring or high - low + 1
        around = [low + (first - low + n) % size for n in range(size)]
        return around[: around.index(last) + 1]

    found: set[int] = set()
    for term in field.split(","):
        span, _, step = term.partition("/")
        first, is_range, last = span.partition("-")
        if span == "*":
            values = between(low, high)
        elif is_range:
            values = between(number(first), number(last))
        else:
            values = between(number(span), high if step else number(span))
        found.update(values[:: int(step or 1)])
    return frozenset(found)


def _day_rule(dom: str, dow: str) -> Callable[[date], bool]:
    """Either may hold when both are restricted; both must when one begins with a star."""
    doms = [_dom_holds(term) for term in dom.split(",")]
    dows = [_dow_holds(term) for term in dow.split(",")]
    both = all if dom[0] == "*" or dow[0] == "*" else any
    return lambda day: both([any(t(day) for t in doms), any(t(day) for t in dows)])


def _dom_holds(term: str) -> Callable[[date], bool]:
    if term == "L":
        return lambda day: day.day == _month_days(day)
    if term == "LW":
        return lambda day: day.day == max(_workdays_of(day))
    days = expand(term, 1, 31)
    return lambda day: day.day in days


def _dow_holds(term: str) -> Callable[[date], bool]:
    if term.endswith("L"):
        weekday = int(term[:-1]) % 7
        return lambda day: _weekday(day) == weekday and day.day > _month_days(day) - 7
    if "#" in term:
        name, nth = term.split("#")
        weekday = WEEKDAYS.index(name) if name in WEEKDAYS else int(name) % 7
        return lambda day: _weekday(day) == weekday and (day.day - 1) // 7 + 1 == int(nth)
    days = {day % 7 for day in expand(term, 0, 7, WEEKDAYS, ring=7)}
    return lambda day: _weekday(day) in days


def _weekday(day: date) -> int:
    return day.isoweekday() % 7


def _month_days(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _workdays_of(day: date) -> Iterator[int]:
    for number in range(1, _month_days(day) + 1):
        if day.replace(day=number).isoweekday() <= 5:
            yield number


def ticks(zone: ZoneInfo, start: datetime, end: datetime, step: timedelta) -> list[Tick]:
    """Each instant in [start, end] with what the wall clock shows at it."""
    count = (end - start) // step
    instants = (start + n * step for n in range(count + 1))
    return [(instant, instant.astimezone(zone).replace(tzinfo=None)) for instant in instants]


def fires(job: Entry, passing: list[Tick], step: timedelta) -> list[datetime]:
    """When cron starts the job, after the first of the `passing` ticks."""
    found = []
    virtual = passing[0][1]
    for instant, clock in passing[1:]:
        ahead = (clock - virtual) // step
        if ahead == 1 or job.has_star:
            starts = job.holds(clock)
        else:
            starts = any(job.holds(virtual + n * step) for n in range(1, ahead + 1))
        if starts:
            found.append(instant)
        virtual = max(virtual, clock)
    return found


def transitions(zone: ZoneInfo, first_year: int, last_year: int) -> list[datetime]:
    """The hours, in UTC, at the end of which the zone has another offset than at their start."""
    found = []
    hour = datetime(first_year, 1, 1, tzinfo=UTC)
    offset = hour.astimezone(zone).utcoffset()
    while hour.year <= last_year:
        hour += timedelta(hours=1)
        before, offset = offset, hour.astimezone(zone).utcoffset()
        if offset != before:
            found.append(hour)
    return found
