"""Coercions done to values, where the source's SELECT cannot; a column at a time.

Every function takes canonical values of the coercion's `stored` type and gives its `wanted` one's.
"""

from calendar import isleap
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import ROUND_DOWN, Context, Decimal, InvalidOperation
from typing import Any

from nomaflow.connectors.coercions import Coercion, JulianDate, Scaled, Trimmed, WithoutNul
from nomaflow.connectors.values import ColumnFunction, each, each_distinct

_DATE_BASE = 1900
_EXACT = Context(prec=1_000_000)


def coercing(coercion: Coercion) -> ColumnFunction:
    """The function that does it, raising BadValue for a value that it is not made for."""
    return _FUNCTIONS[type(coercion)](coercion)


def _trimmed(coercion: Trimmed) -> ColumnFunction:
    return each(str.strip) if coercion.both else each(lambda value: value.rstrip(" "))


def _without_nul(_: WithoutNul) -> ColumnFunction:
    def column(values: Sequence[Any]) -> Sequence[Any]:
        if "\0" not in "".join(filter(None, values)):
            return values
        return [value.replace("\0", "") if value else value for value in values]

    return column


def _scaled(coercion: Scaled) -> ColumnFunction:
    def scaled(value: Any) -> str:
        number = _number(value)
        if not number.is_finite():
            return str(number)
        number = _EXACT.scaleb(number, -coercion.places)
        if coercion.truncated:
            number = number.to_integral_value(ROUND_DOWN)
        return format(number, "f")

    return each(scaled)


def _julian(_: JulianDate) -> ColumnFunction:
    return each_distinct(julian_date)


def julian_date(value: Any) -> str | None:
    """`126326` as `2026-11-22`; 0 and blank mean that there is none. Raises ValueError."""
    if isinstance(value, str) and not value.strip():
        return None
    number = _number(value)
    if number == 0:
        return None
    if not number.is_finite() or number != int(number) or not 0 < number <= 999_999:
        raise ValueError(f"holds {value}, which is no Julian date CYYDDD")
    years, day = divmod(int(number), 1000)
    year = _DATE_BASE + years
    if not 1 <= day <= 365 + isleap(year):
        raise ValueError(f"holds {value}, which is no Julian date CYYDDD: {year} has no day {day}")
    return (date(year, 1, 1) + timedelta(days=day - 1)).isoformat()


def _number(value: Any) -> Decimal:
    whole = isinstance(value, float) and value.is_integer()
    text = str(int(value) if whole else value).strip()
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"holds {value!r}, which is no number") from None


_FUNCTIONS: dict[type, Callable[[Any], ColumnFunction]] = {
    Trimmed: _trimmed,
    WithoutNul: _without_nul,
    Scaled: _scaled,
    JulianDate: _julian,
}
