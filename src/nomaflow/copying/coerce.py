"""Coercions done to values, where the source's SELECT cannot; a column at a time.

Every function takes canonical values of the coercion's `stored` type and gives its `wanted` one's.
"""

from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, Context
from typing import Any

from nomaflow.connectors.coercions import Coercion, JulianDate, Scaled, Trimmed, WithoutNul
from nomaflow.connectors.julian import as_number, julian_date
from nomaflow.connectors.values import ColumnFunction, each, each_distinct

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
        number = as_number(value)
        if not number.is_finite():
            return str(number)
        number = _EXACT.scaleb(number, -coercion.places)
        if coercion.truncated:
            number = number.to_integral_value(ROUND_DOWN)
        return format(number, "f")

    return each(scaled)


def _julian(_: JulianDate) -> ColumnFunction:
    return each_distinct(julian_date)


_FUNCTIONS: dict[type, Callable[[Any], ColumnFunction]] = {
    Trimmed: _trimmed,
    WithoutNul: _without_nul,
    Scaled: _scaled,
    JulianDate: _julian,
}
