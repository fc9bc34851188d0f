"""Schedules in words: which phrases tell them, whatever the language."""

from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from itertools import product
from typing import Final

from cronsim import CronSim

from nomaflow.triggers.expression import CronExpression
from nomaflow.triggers.languages import LAST, LAST_WORKDAY, Language, Unit

_MOST_TIMES = 4
_SIZES: Final[Mapping[Unit, int]] = {"second": 60, "minute": 60, "hour": 24}
_UNITS: Final[Mapping[Unit, int]] = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}
_MARKS = {CronSim.LAST: LAST, CronSim.LAST_WEEKDAY: LAST_WORKDAY}


def interval_in_words(every: timedelta, language: Language) -> str:
    """For example `every 15 minutes`: in the largest unit that fits."""
    seconds = int(every.total_seconds())
    unit = next(unit for unit, size in _UNITS.items() if seconds % size == 0)
    return language.every(unit, seconds // _UNITS[unit])


def cron_in_words(expression: CronExpression, language: Language) -> str:
    """For example `every weekday at 02:00`, or `every 15 minutes, every Monday`."""
    days = _days(expression, language)
    if _has_few_times(expression):
        times = [_time(*at) for at in product(expression.hours, expression.minutes)]
        told = f"{days or language.every('day', 1)} {language.at_times(times)}"
        return _with_seconds(told, expression, language)
    told = _with_seconds(_rhythm(expression, language), expression, language)
    return f"{told}, {days}" if days else told


def _has_few_times(expression: CronExpression) -> bool:
    """Whether the times of day are told one by one: they are few, or have no rhythm."""
    hours, minutes = expression.hours, expression.minutes
    if len(hours) > 2 and _step(hours, "hour"):
        return False
    is_irregular = len(minutes) == 1 and not _step(hours, "hour") and not _is_unbroken(hours)
    return len(hours) * len(minutes) <= _MOST_TIMES or is_irregular


def _with_seconds(told: str, expression: CronExpression, language: Language) -> str:
    seconds = expression.seconds
    if seconds == (0,):
        return told
    step = _step(seconds, "second")
    if step and len(expression.minutes) * len(expression.hours) == 60 * 24:
        return language.every("second", step)
    marks = language.every("second", step) if step else language.at_marks("second", seconds)
    return f"{told}, {language.of_that_minute(marks)}"


def _rhythm(expression: CronExpression, language: Language) -> str:
    """What repeats within the day, seconds left aside."""
    hours, minutes = expression.hours, expression.minutes
    hour_step = _step(hours, "hour")
    if len(minutes) == 1 and hour_step:
        every = language.every("hour", hour_step)
        return every if minutes == (0,) else f"{every} {language.at_marks('minute', minutes)}"
    step = _step(minutes, "minute")
    told = language.every("minute", step) if step else language.at_marks("minute", minutes)
    if len(minutes) == 1:
        told = language.every("hour", 1)
    if hour_step == 1:
        return told if step else language.of_every_hour(told)
    if _is_unbroken(hours):
        return (
            f"{told} {language.between(_time(hours[0], minutes[0]), _time(hours[-1], minutes[-1]))}"
        )
    return f"{told} {language.in_hours(hours)}"


def _days(expression: CronExpression, language: Language) -> str | None:
    """Which days; None: every day."""
    months = () if len(expression.months) == 12 else expression.months
    dates = _dates(expression, months, language)
    weekdays = _weekdays(expression, months, language)
    if dates and weekdays and expression.days.day_and:
        return language.limited(dates, weekdays)
    if dates and weekdays:
        return language.either([dates, weekdays])
    if months and not dates and not weekdays:
        return f"{language.every('day', 1)} {language.in_months(months)}"
    return dates or weekdays


def _dates(expression: CronExpression, months: Sequence[int], language: Language) -> str | None:
    days = expression.days.days
    if days.issuperset(range(1, 32)):
        return None
    marks = [mark for value, mark in _MARKS.items() if value in days]
    return language.on_dates([*sorted(day for day in days if day > 0), *marks], months)


def _weekdays(expression: CronExpression, months: Sequence[int], language: Language) -> str | None:
    items = expression.days.weekdays
    plain = sorted({item % 7 for item in items if isinstance(item, int)}, key=_monday_first)
    if len(plain) == 7:
        return None
    nth = sorted((item[1], item[0] % 7) for item in items if isinstance(item, tuple))
    phrases = [language.on_weekdays(plain, months)] if plain else []
    phrases += [language.on_nth(_MARKS.get(number, number), day, months) for number, day in nth]
    return language.either(phrases)


def _step(values: Sequence[int], unit: Unit) -> int | None:
    """The even step with which `values` go round; None when there is none."""
    step = _SIZES[unit] // len(values)
    return step if tuple(values) == tuple(range(0, _SIZES[unit], step)) else None


def _is_unbroken(values: Sequence[int]) -> bool:
    return values[-1] - values[0] == len(values) - 1


def _monday_first(weekday: int) -> int:
    return (weekday - 1) % 7


def _time(hour: int, minute: int) -> str:
    return f"{time(hour, minute):%H:%M}"
