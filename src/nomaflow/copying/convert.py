"""Which kinds of columns become which others, and how, without losing anything.

Every function here takes and gives canonical values; see `connectors/tables.py`.
"""

import struct
from collections.abc import Callable
from decimal import Decimal

from nomaflow.connectors.tables import ColumnType, Kind
from nomaflow.connectors.values import (
    ColumnFunction,
    each,
    each_distinct,
    fitting_decimal,
    parse_date,
    parse_decimal,
    parse_integer,
    parse_time,
    parse_timestamp,
    parse_uuid,
    parse_zoned_timestamp,
    within,
)

_EXACT_IN_A_DOUBLE = 2**53
_SUBSECOND_DIGITS = 6


class Unfit(ValueError):
    """No value of the source's type could arrive unchanged; says why."""


def conversion(source: ColumnType, target: ColumnType) -> tuple[ColumnFunction, ...]:
    """The functions that take a source's values to the target's type; raises Unfit."""
    if source.zoned is not target.zoned and not {source.kind, target.kind} & {Kind.TEXT}:
        raise Unfit(f"{source.native} does not become {target.native}: only one has a time zone")
    changes = _change(source, target)
    reached = source if not changes else _anything(target)
    return (*changes, *_fit(reached, target))


def _change(source: ColumnType, target: ColumnType) -> tuple[ColumnFunction, ...]:
    if source.kind is Kind.NATIVE and target.kind is Kind.TEXT and source.readable:
        return ()
    if source.kind is Kind.NATIVE or target.kind is Kind.NATIVE:
        if source.native != target.native:
            raise Unfit(f"{source.native} does not become {target.native}")
        return ()
    if source.kind is target.kind or (source.kind in _TEXTUAL and target.kind is Kind.TEXT):
        return ()
    try:
        return (_CHANGES[source.kind, target.kind](target),)
    except KeyError:
        raise Unfit(f"{source.native} does not become {target.native}") from None


def _anything(target: ColumnType) -> ColumnType:
    """What a change leads to: the target's kind, of any size."""
    return ColumnType(target.kind, target.native, zoned=target.zoned)


def _fit(source: ColumnType, target: ColumnType) -> tuple[ColumnFunction, ...]:
    if target.size is None or source.kind is not target.kind or _narrower(source, target):
        return ()
    check = _CHECKS.get(target.kind)
    return (check(target),) if check else ()


def _narrower(source: ColumnType, target: ColumnType) -> bool:
    """Whether every value of the source's size fits the target's."""
    if source.size is None or target.size is None:
        return False
    if source.kind is not Kind.DECIMAL:
        return source.size <= target.size
    scale, room = source.scale or 0, target.scale or 0
    return scale <= room and source.size - scale <= target.size - room


def _check_integer(target: ColumnType) -> ColumnFunction:
    edge = 1 << ((target.size or 64) - 1)
    return within(lambda value: -edge <= value < edge, f"is out of range for {target.native}")


def _check_decimal(target: ColumnType) -> ColumnFunction:
    fits = fitting_decimal(target.size or 0, target.scale or 0)
    return within(fits, f"does not fit {target.native} without losing digits")


def _check_float(target: ColumnType) -> ColumnFunction:
    return within(_survives_single, f"does not fit {target.native} without losing digits")


def _check_text(target: ColumnType) -> ColumnFunction:
    limit = target.size or 0
    return within(lambda value: len(value) <= limit, f"is too long for {target.native}")


def _check_fraction(target: ColumnType) -> ColumnFunction:
    digits = _SUBSECOND_DIGITS if target.size is None else target.size

    def fits(value: str) -> bool:
        fraction = value.partition(".")[2].partition("+")[0].partition(" ")[0]
        return len(fraction.rstrip("0")) <= digits

    return within(fits, f"has more fractional seconds than {target.native} keeps")


_CHECKS: dict[Kind, Callable[[ColumnType], ColumnFunction]] = {
    Kind.INTEGER: _check_integer,
    Kind.DECIMAL: _check_decimal,
    Kind.FLOAT: _check_float,
    Kind.TEXT: _check_text,
    Kind.TIME: _check_fraction,
    Kind.TIMESTAMP: _check_fraction,
}


def _survives_single(value: float) -> bool:
    """Whether a single-precision column shows the same number again."""
    try:
        single: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return False
    shown = (float(f"{single:.{digits}g}") for digits in (6, 7, 8, 9))
    return value != value or single == value or any(number == value for number in shown)


def _integer_of_decimal(value: str) -> int:
    number = Decimal(value)
    if not number.is_finite() or number != int(number):
        raise ValueError("is no whole number")
    return int(number)


def _integer_of_float(value: float) -> int:
    if not value.is_integer():
        raise ValueError("is no whole number")
    return int(value)


def _float_of_integer(value: int) -> float:
    if abs(value) > _EXACT_IN_A_DOUBLE:
        raise ValueError("has more digits than a floating point number keeps")
    return float(value)


def _float_of_decimal(value: str) -> float:
    number = float(value)
    if Decimal(value).is_finite() and Decimal(repr(number)) != Decimal(value):
        raise ValueError("has more digits than a floating point number keeps")
    return number


def _decimal_of_float(value: float) -> str:
    number = Decimal(repr(value))
    if not number.is_finite():
        raise ValueError("is no finite number")
    return format(number, "f")


def _boolean_of_integer(value: int) -> bool:
    if value not in (0, 1):
        raise ValueError("is neither 0 nor 1")
    return value == 1


def _boolean_of_decimal(value: str) -> bool:
    return _boolean_of_integer(_integer_of_decimal(value))


def _timestamp_of_date(value: str) -> str:
    return value if value.endswith(("infinity", "BC")) else f"{value} 00:00:00"


def _parse_moment(target: ColumnType) -> ColumnFunction:
    return each(parse_zoned_timestamp if target.zoned else parse_timestamp)


_TEXTUAL = frozenset({Kind.DECIMAL, Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.UUID, Kind.JSON})

_CHANGES: dict[tuple[Kind, Kind], Callable[[ColumnType], ColumnFunction]] = {
    (Kind.INTEGER, Kind.DECIMAL): lambda _: each(str),
    (Kind.BOOLEAN, Kind.DECIMAL): lambda _: each(lambda value: str(int(value))),
    (Kind.DECIMAL, Kind.BOOLEAN): lambda _: each(_boolean_of_decimal),
    (Kind.INTEGER, Kind.FLOAT): lambda _: each(_float_of_integer),
    (Kind.INTEGER, Kind.BOOLEAN): lambda _: each(_boolean_of_integer),
    (Kind.BOOLEAN, Kind.INTEGER): lambda _: each(int),
    (Kind.DECIMAL, Kind.INTEGER): lambda _: each(_integer_of_decimal),
    (Kind.DECIMAL, Kind.FLOAT): lambda _: each(_float_of_decimal),
    (Kind.FLOAT, Kind.INTEGER): lambda _: each(_integer_of_float),
    (Kind.FLOAT, Kind.DECIMAL): lambda _: each(_decimal_of_float),
    (Kind.DATE, Kind.TIMESTAMP): lambda _: each_distinct(_timestamp_of_date),
    (Kind.TIMESTAMP, Kind.DATE): lambda _: each_distinct(parse_date),
    (Kind.INTEGER, Kind.TEXT): lambda _: each(str),
    (Kind.FLOAT, Kind.TEXT): lambda _: each(repr),
    (Kind.BOOLEAN, Kind.TEXT): lambda _: each_distinct(lambda value: str(value).lower()),
    (Kind.TEXT, Kind.INTEGER): lambda _: each(parse_integer),
    (Kind.TEXT, Kind.DECIMAL): lambda _: each(parse_decimal),
    (Kind.TEXT, Kind.DATE): lambda _: each_distinct(parse_date),
    (Kind.TEXT, Kind.TIME): lambda _: each_distinct(parse_time),
    (Kind.TEXT, Kind.TIMESTAMP): _parse_moment,
    (Kind.TEXT, Kind.UUID): lambda _: each(parse_uuid),
    (Kind.TEXT, Kind.JSON): lambda _: each(str),
}
