"""Values on their way between databases: columns at a time, so that checks cost little.

A `ColumnFunction` takes the values of one column and returns as many, None staying None. It
raises BadValue for the first that does not fit; no value is ever bent silently.
"""

import re
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

ColumnFunction = Callable[[Sequence[Any]], Sequence[Any]]
ValueFunction = Callable[[Any], Any]


class BadValue(ValueError):
    """The value in `row` (an index into the batch) does not fit, because `reason`."""

    def __init__(self, row: int, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.row = row
        self.reason = reason
        self.column = column


def each(convert: ValueFunction) -> ColumnFunction:
    """Apply `convert`, which raises ValueError, to every value."""

    def column(values: Sequence[Any]) -> Sequence[Any]:
        try:
            return [None if value is None else convert(value) for value in values]
        except (ValueError, TypeError, OverflowError):
            raise _first_bad(values, convert) from None

    return column


def each_distinct(convert: ValueFunction) -> ColumnFunction:
    """Like `each`, where values repeat often (dates): each distinct one is converted once."""

    def column(values: Sequence[Any]) -> Sequence[Any]:
        try:
            known = {value: convert(value) for value in set(values) if value is not None}
        except (ValueError, TypeError, OverflowError):
            raise _first_bad(values, convert) from None
        return [known.get(value) for value in values]

    return column


def only(kinds: frozenset[type], otherwise: ValueFunction) -> ColumnFunction:
    """Pass a column whose values are all of these types at once; look at each one otherwise."""
    allowed = kinds | {type(None)}
    slowly = each(otherwise)

    def column(values: Sequence[Any]) -> Sequence[Any]:
        return values if allowed.issuperset(map(type, values)) else slowly(values)

    return column


def _never(_: Sequence[Any]) -> bool:
    return False


def within(
    fits: Callable[[Any], bool], reason: str, *, plainly: Callable[[Sequence[Any]], bool] = _never
) -> ColumnFunction:
    """Pass every value for which `fits` holds.

    `plainly` holds for columns that need no look at each value; it is quick, and may be mistaken
    only in holding back.
    """

    def column(values: Sequence[Any]) -> Sequence[Any]:
        if plainly(values):
            return values
        for row, value in enumerate(values):
            if value is not None and not fits(value):
                raise BadValue(row, reason)
        return values

    return column


def without_null(reason: str) -> ColumnFunction:
    """Pass a column without NULL."""

    def column(values: Sequence[Any]) -> Sequence[Any]:
        if None in values:
            raise BadValue(values.index(None), reason)
        return values

    return column


not_null: ColumnFunction = without_null("is NULL, which the target does not allow")


def _first_bad(values: Sequence[Any], convert: ValueFunction) -> BadValue:
    for row, value in enumerate(values):
        try:
            if value is not None:
                convert(value)
        except (ValueError, TypeError, OverflowError) as error:
            return BadValue(row, str(error))
    raise AssertionError("the column was refused, none of its values is")


_INTEGER = re.compile(r"0|-?[1-9]\d*", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_TIMESTAMP = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[ T](?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,6}0*)?)?)(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?"
)
_TIME = re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d{1,6}0*)?)?")
_MIDNIGHT = time()
_TRAILING_ZEROS = re.compile(r"(\.\d*?)0+(?=$|[+ ])")


def parse_integer(value: str) -> int:
    """The number that a text spells in its one plain form; `007` and `1.0` are refused."""
    if not _INTEGER.fullmatch(value):
        raise ValueError("is no plain integer")
    return int(value)


def parse_decimal(value: str) -> str:
    """The decimal that a text spells, without an exponent."""
    if not _DECIMAL.fullmatch(value):
        raise ValueError("is no decimal number")
    return value


def parse_date(value: str) -> str:
    """`2026-03-29`, also with a midnight behind it."""
    moment = _moment(value)
    if moment.time() != _MIDNIGHT or moment.tzinfo is not None:
        raise ValueError("has a time of day, which a date cannot hold")
    return moment.date().isoformat()


def parse_time(value: str) -> str:
    """`02:30`, `02:30:00.5`; `24:00:00` is the end of a day."""
    if value == "24:00:00":
        return value
    try:
        return time.fromisoformat(_matched(_TIME, value)).isoformat()
    except ValueError:
        raise ValueError("is no time of day such as 02:30:00") from None


def _matched(pattern: re.Pattern[str], value: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError(value)
    return value


def parse_timestamp(value: str) -> str:
    """`2026-03-29 02:30:00`, with a blank or a T; a zone is refused."""
    moment = _moment(value)
    if moment.tzinfo is not None:
        raise ValueError("has a UTC offset, which a timestamp without time zone cannot hold")
    return moment.isoformat(" ")


def parse_zoned_timestamp(value: str) -> str:
    """`2026-03-29T02:30:00+01:00`, as the same instant in UTC; no zone is refused."""
    moment = _moment(value)
    if moment.tzinfo is None:
        raise ValueError("has no UTC offset, so that its instant is unknown")
    return moment.astimezone(UTC).isoformat(" ").removesuffix(":00")


def within_the_calendar(value: str) -> str:
    """A date or timestamp as it is, for a database that knows no others. Raises ValueError."""
    if value.endswith(("infinity", "BC")):
        raise ValueError("is not within the years 1 to 9999")
    return value


def parse_uuid(value: str) -> str:
    """A UUID in its hyphenated lower-case form."""
    try:
        return str(UUID(value))
    except ValueError:
        raise ValueError("is no UUID") from None


def _moment(value: str) -> datetime:
    if not _TIMESTAMP.fullmatch(value):
        raise ValueError("is no date or timestamp such as 2026-03-29 02:30:00")
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("is no day of the calendar or time of day") from None


def fitting_decimal(precision: int, scale: int) -> Callable[[str], bool]:
    """Whether a decimal keeps every digit in `numeric(precision, scale)`."""

    def fits(value: str) -> bool:
        whole, _, fraction = value.lstrip("+-").partition(".")
        if not whole.isdigit():
            return value == "NaN"
        digits = len(whole.lstrip("0"))
        return digits <= precision - scale and len(fraction.rstrip("0")) <= scale

    return fits


def exact_decimals(values: Sequence[Any]) -> Sequence[Any]:
    """Python's decimals in canonical form, without an exponent."""
    return [None if value is None else format(value, "f") for value in values]


def shortest_single(value: float) -> float:
    """The shortest number that is the same in single precision, as a server shows it."""
    single = struct.pack("f", value)
    shown = (float(f"{value:.{digits}g}") for digits in (6, 7, 8, 9))
    return next((number for number in shown if struct.pack("f", number) == single), value)


def without_trailing_zeros(value: str) -> str:
    """`2026-03-29 02:30:00.500000000+00` as `2026-03-29 02:30:00.5+00`."""
    return _TRAILING_ZEROS.sub(lambda found: found[1].rstrip("."), value)
