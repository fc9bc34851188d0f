"""The languages in which a schedule is told. A new one is one class with the same phrases."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Protocol

Unit = Literal["second", "minute", "hour", "day"]

LAST = -1
LAST_WORKDAY = -2
WORKDAYS = (1, 2, 3, 4, 5)


class Language(Protocol):
    """The phrases of one language. Weekdays count from Sunday = 0, months from January = 1.

    A day of the month is its number, LAST or LAST_WORKDAY; the nth weekday of a month is 1 to 5
    or LAST. No month named means every month.
    """

    def every(self, unit: Unit, step: int) -> str: ...

    def at_times(self, times: Sequence[str]) -> str: ...

    def at_marks(self, unit: Unit, numbers: Sequence[int]) -> str: ...

    def of_every_hour(self, phrase: str) -> str: ...

    def of_that_minute(self, phrase: str) -> str: ...

    def in_hours(self, hours: Sequence[int]) -> str: ...

    def between(self, first: str, last: str) -> str: ...

    def on_dates(self, days: Sequence[int], months: Sequence[int]) -> str: ...

    def on_weekdays(self, weekdays: Sequence[int], months: Sequence[int]) -> str: ...

    def on_nth(self, nth: int, weekday: int, months: Sequence[int]) -> str: ...

    def in_months(self, months: Sequence[int]) -> str: ...

    def either(self, phrases: Sequence[str]) -> str: ...

    def limited(self, phrase: str, condition: str) -> str: ...


class English:
    """As one would say it in London."""

    months = (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    )
    weekdays = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
    nth = ("", "first", "second", "third", "fourth", "fifth", "last")

    def every(self, unit: Unit, step: int) -> str:
        return f"every {unit}" if step == 1 else f"every {step} {unit}s"

    def at_times(self, times: Sequence[str]) -> str:
        return f"at {_listed(times, 'and')}"

    def at_marks(self, unit: Unit, numbers: Sequence[int]) -> str:
        return f"at {_counted(unit, numbers)} {_listed([str(n) for n in numbers], 'and')}"

    def of_every_hour(self, phrase: str) -> str:
        return f"{phrase} of every hour"

    def of_that_minute(self, phrase: str) -> str:
        return f"{phrase} of that minute"

    def in_hours(self, hours: Sequence[int]) -> str:
        return f"in the {_counted('hour', hours)} {_listed([f'{h:02}' for h in hours], 'and')}"

    def between(self, first: str, last: str) -> str:
        return f"from {first} to {last}"

    def on_dates(self, days: Sequence[int], months: Sequence[int]) -> str:
        ends = {LAST: "last day", LAST_WORKDAY: "last weekday"}
        dates = _listed([ends.get(day) or _ordinal(day) for day in days], "and")
        return f"on the {dates} {self._of(months)}"

    def on_weekdays(self, weekdays: Sequence[int], months: Sequence[int]) -> str:
        names = _listed([self.weekdays[day] for day in weekdays], "and")
        days = f"every {'weekday' if tuple(weekdays) == WORKDAYS else names}"
        return f"{days} {self.in_months(months)}" if months else days

    def on_nth(self, nth: int, weekday: int, months: Sequence[int]) -> str:
        return f"on the {self.nth[nth]} {self.weekdays[weekday]} {self._of(months)}"

    def in_months(self, months: Sequence[int]) -> str:
        return f"in {self._named(months)}"

    def either(self, phrases: Sequence[str]) -> str:
        return _listed(phrases, "or")

    def limited(self, phrase: str, condition: str) -> str:
        return f"{phrase}, limited to: {condition}"

    def _of(self, months: Sequence[int]) -> str:
        return f"of {self._named(months)}" if months else "of the month"

    def _named(self, months: Sequence[int]) -> str:
        return _listed([self.months[month - 1] for month in months], "and")


class French:
    """Comme on le dirait à Paris."""

    months = (
        *("janvier", "février", "mars", "avril", "mai", "juin"),
        *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
    )
    weekdays = ("dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi")
    nth = ("", "premier", "deuxième", "troisième", "quatrième", "cinquième", "dernier")
    units: ClassVar[Mapping[Unit, str]] = {
        "second": "seconde",
        "minute": "minute",
        "hour": "heure",
        "day": "jour",
    }

    def every(self, unit: Unit, step: int) -> str:
        all_the = "tous les" if unit == "day" else "toutes les"
        return f"{all_the}{'' if step == 1 else f' {step}'} {self.units[unit]}s"

    def at_times(self, times: Sequence[str]) -> str:
        return f"à {_listed(times, 'et')}"

    def at_marks(self, unit: Unit, numbers: Sequence[int]) -> str:
        the = "à la" if len(numbers) == 1 else "aux"
        name = _counted(self.units[unit], numbers)
        return f"{the} {name} {_listed([str(number) for number in numbers], 'et')}"

    def of_every_hour(self, phrase: str) -> str:
        return f"{phrase} de chaque heure"

    def of_that_minute(self, phrase: str) -> str:
        return f"{phrase} de cette minute"

    def in_hours(self, hours: Sequence[int]) -> str:
        return f"pendant {_listed([f'{hour} h' for hour in hours], 'et')}"

    def between(self, first: str, last: str) -> str:
        return f"de {first} à {last}"

    def on_dates(self, days: Sequence[int], months: Sequence[int]) -> str:
        names = {1: "1er", LAST: "dernier jour", LAST_WORKDAY: "dernier jour ouvré"}
        dates = _listed([f"le {names.get(day, day)}" for day in days], "et")
        is_date = months and days[-1] > 0
        return f"{dates} {self._named(months) if is_date else self._of(months)}"

    def on_weekdays(self, weekdays: Sequence[int], months: Sequence[int]) -> str:
        names = _listed([f"{self.weekdays[day]}s" for day in weekdays], "et")
        days = f"tous les {'jours ouvrés' if tuple(weekdays) == WORKDAYS else names}"
        return f"{days} {self.in_months(months)}" if months else days

    def on_nth(self, nth: int, weekday: int, months: Sequence[int]) -> str:
        return f"le {self.nth[nth]} {self.weekdays[weekday]} {self._of(months)}"

    def in_months(self, months: Sequence[int]) -> str:
        return f"en {self._named(months)}"

    def either(self, phrases: Sequence[str]) -> str:
        return _listed(phrases, "ou")

    def limited(self, phrase: str, condition: str) -> str:
        return f"{phrase}, limité à : {condition}"

    def _of(self, months: Sequence[int]) -> str:
        if not months:
            return "du mois"
        named = self._named(months)
        return f"d'{named}" if named[0] in "ao" else f"de {named}"

    def _named(self, months: Sequence[int]) -> str:
        return _listed([self.months[month - 1] for month in months], "et")


LANGUAGES: Mapping[str, Language] = {"en": English(), "fr": French()}


def _listed(items: Sequence[str], link: str) -> str:
    *others, last = items
    return f"{', '.join(others)} {link} {last}" if others else last


def _counted(noun: str, items: Sequence[int]) -> str:
    return noun if len(items) == 1 else f"{noun}s"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}th" if number in (11, 12, 13) else f"{number}{ending}"
