"""Coercions of whole Arrow arrays, with the results that the same ones of values have."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from nomaflow.connectors.coercions import (
    WHITE,
    Coercion,
    JulianDate,
    Scaled,
    Trimmed,
    WithoutNul,
)
from nomaflow.connectors.copies import Unsuited
from nomaflow.connectors.julian import julian_date
from nomaflow.connectors.tables import Column, ColumnType, Kind

_DIGITS_OF_AN_INTEGER: Final = 19
_DIGITS_OF_A_DECIMAL: Final = 38
_SCALED: Final = frozenset({Kind.INTEGER, Kind.DECIMAL})


def refuse_uncoercible(source: Column, target: Column, pending: Sequence[Coercion]) -> None:
    """Raises Unsuited for coercions that only values can be put through."""
    exact = all(_is_exact(coercion) for coercion in pending)
    if not exact or target.type.kind is not pending[-1].wanted.kind or not _is_sized(target.type):
        names = ", ".join(coercion.name for coercion in pending)
        raise Unsuited(f"column '{source.name}': {names}, as {target.type.native}")


def _is_exact(coercion: Coercion) -> bool:
    if not isinstance(coercion, Scaled):
        return True
    places = (coercion.stored.scale or 0) + coercion.places
    return coercion.stored.kind in _SCALED and 0 <= places <= _DIGITS_OF_A_DECIMAL


def _is_sized(target: ColumnType) -> bool:
    if target.kind is not Kind.DECIMAL:
        return True
    size = target.size or 0
    return 0 < size <= _DIGITS_OF_A_DECIMAL and 0 <= (target.scale or 0) <= size


def coerced(values: Any, pending: Sequence[Coercion], target: ColumnType) -> Any:
    """Raises Unsuited, or Arrow's own error, for a value that does not arrive exactly."""
    for coercion in pending:
        values = _KERNELS[type(coercion)](values, coercion, target)
    return values


def _trimmed(values: Any, coercion: Trimmed, _: ColumnType) -> Any:
    if coercion.both:
        return pc.utf8_trim(values, WHITE)
    return pc.utf8_rtrim(values, " ")


def _without_nul(values: Any, _: WithoutNul, __: ColumnType) -> Any:
    return pc.replace_substring(values, "\0", "")


def _scaled(values: Any, coercion: Scaled, target: ColumnType) -> Any:
    """The same digits with the point elsewhere."""
    if pa.types.is_integer(values.type):
        values = pc.cast(values, pa.decimal128(_DIGITS_OF_AN_INTEGER, 0))
    kind = pa.decimal128(_DIGITS_OF_A_DECIMAL, values.type.scale + coercion.places)
    number = pa.Array.from_buffers(kind, len(values), values.buffers(), offset=values.offset)
    if coercion.truncated:
        number = pc.trunc(number)
    return pc.cast(number, pa.decimal128(target.size or 0, target.scale or 0))


def _julian(values: Any, _: JulianDate, __: ColumnType) -> Any:
    """Few days are met often."""
    known = pc.dictionary_encode(values)
    days = [_day(value) for value in known.dictionary.to_pylist()]
    return pa.array(days, pa.date32()).take(known.indices)


def _day(value: Any) -> date | None:
    try:
        day = julian_date(value)
    except ValueError as error:
        raise Unsuited(f"a value {error}") from error
    return None if day is None else date.fromisoformat(day)


_KERNELS: Final[dict[type, Callable[[Any, Any, ColumnType], Any]]] = {
    Trimmed: _trimmed,
    WithoutNul: _without_nul,
    Scaled: _scaled,
    JulianDate: _julian,
}
