"""The types of MySQL and MariaDB, which keep what they declare, and dates that are none."""

import re
import struct
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from nomaflow.connectors.coercions import Coercion, Constant
from nomaflow.connectors.dialects.mysql import expressions
from nomaflow.connectors.tables import Column, ColumnType, Kind
from nomaflow.connectors.values import (
    BadValue,
    ColumnFunction,
    each,
    each_distinct,
    within,
)

_DECLARED = re.compile(r"(?P<name>\w+)(?:\((?P<size>[^)]*)\))?(?P<rest>[^)]*)", re.DOTALL)
_INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_NEXT_SIZE = {8: 16, 16: 32, 24: 32, 32: 64}
_UNSIGNED_BIGINT_DIGITS = 20
_LARGEST_PRECISION = 65
_LARGEST_SCALE = 30
_LONGEST_CHAR = 255
_LONGEST_IN_A_KEY = 768
_MICROSECONDS = 6
_PLAIN = {
    **dict.fromkeys(("tinytext", "text", "mediumtext", "longtext"), (Kind.TEXT, None)),
    **dict.fromkeys(("tinyblob", "blob", "mediumblob", "longblob"), (Kind.BYTES, None)),
    **dict.fromkeys(("binary", "varbinary"), (Kind.BYTES, None)),
    "float": (Kind.FLOAT, 32),
    "double": (Kind.FLOAT, 64),
    "date": (Kind.DATE, None),
    "year": (Kind.INTEGER, 16),
    "json": (Kind.JSON, None),
    "uuid": (Kind.UUID, None),
    "inet4": (Kind.TEXT, 15),
    "inet6": (Kind.TEXT, 39),
    "enum": (Kind.TEXT, None),
    "set": (Kind.TEXT, None),
}


def column_type(native: str) -> ColumnType:
    """A type in the words of the catalogue, such as `int(10) unsigned`."""
    match = _DECLARED.match(native.lower())
    assert match is not None  # noqa: S101 - every type has a name
    name, size, rest = match["name"], match["size"] or "", match["rest"]
    if name in _INTEGERS:
        return _integer(native, name, size, rest)
    if name in _SIZED:
        return _SIZED[name](native, size)
    kind, room = _PLAIN.get(name, (Kind.NATIVE, None))
    return ColumnType(kind, native, room)


def _integer(native: str, name: str, size: str, rest: str) -> ColumnType:
    """`tinyint(1)` is what the words BOOL and BOOLEAN declare."""
    bits = _INTEGERS[name]
    if name == "tinyint" and size == "1" and not rest.strip():
        return ColumnType(Kind.BOOLEAN, native)
    if "unsigned" not in rest and "zerofill" not in rest:
        return ColumnType(Kind.INTEGER, native, bits)
    if name == "bigint":
        return ColumnType(Kind.DECIMAL, native, _UNSIGNED_BIGINT_DIGITS, 0)
    return ColumnType(Kind.INTEGER, native, _NEXT_SIZE[bits])


def _decimal(native: str, size: str) -> ColumnType:
    precision, _, scale = size.partition(",")
    return ColumnType(Kind.DECIMAL, native, int(precision or 10), int(scale or 0))


def _bits(native: str, size: str) -> ColumnType:
    """One bit is a boolean; more of them are an unsigned integer."""
    number = int(size or 1)
    if number == 1:
        return ColumnType(Kind.BOOLEAN, native)
    for room in (16, 32, 64):
        if number < room:
            return ColumnType(Kind.INTEGER, native, room)
    return ColumnType(Kind.DECIMAL, native, _UNSIGNED_BIGINT_DIGITS, 0)


def _moment(kind: Kind, *, zoned: bool = False) -> Callable[[str, str], ColumnType]:
    return lambda native, size: ColumnType(kind, native, int(size or 0), zoned=zoned)


def _characters(*, padded: bool) -> Callable[[str, str], ColumnType]:
    return lambda native, size: ColumnType(Kind.TEXT, native, int(size or 1), padded=padded)


_SIZED: dict[str, Callable[[str, str], ColumnType]] = {
    "decimal": _decimal,
    "bit": _bits,
    "time": _moment(Kind.TIME),
    "datetime": _moment(Kind.TIMESTAMP),
    "timestamp": _moment(Kind.TIMESTAMP, zoned=True),
    "char": _characters(padded=True),
    "varchar": _characters(padded=False),
}


def is_bits(column: ColumnType) -> bool:
    """Whether the driver gives the values as bytes that mean a number."""
    return column.native.lower().startswith("bit")


class MysqlTypes:
    """A value is of its column's type, apart from dates such as 0000-00-00."""

    dialect = "mysql"
    enforced = True
    longest_name = 64

    def folded(self, name: str) -> str:
        return name.lower()

    def named(self, name: str) -> str:
        return name

    def decode(self, stored: ColumnType, wanted: ColumnType) -> tuple[ColumnFunction, ...]:
        """A zero date becomes NULL."""
        decoding = _DECODINGS.get(stored.kind)
        return decoding(stored, wanted) if decoding else ()

    def blank(self, stored: ColumnType) -> str | None:
        dated = stored.kind in {Kind.DATE, Kind.TIMESTAMP}
        return "a zero date such as 0000-00-00" if dated else None

    def unstored(self, declared: ColumnType) -> str | None:  # noqa: ARG002 - every value is one
        return None

    def encode(self, declared: ColumnType) -> tuple[ColumnFunction, ...]:
        """Refuse what the server has no value for, such as NaN and infinity."""
        if declared.kind is Kind.TIMESTAMP and declared.zoned:
            return (_plain_years, _without_offsets)
        return (_ENCODERS[declared.kind],) if declared.kind in _ENCODERS else ()

    def carrier(self, foreign: ColumnType) -> ColumnType | None:
        declaration = _declaration(foreign)
        return None if declaration is None else column_type(declaration)

    def literal(self, value: Constant) -> str:
        return expressions.literal(value)

    def identifier(self, name: str) -> str:
        return expressions.quote(name)

    def since(self, column: Column, mark: str, *, again: bool) -> str:
        """A number is compared as one: as a text it would be taken for a double."""
        numeric = column.type.kind in {Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.BOOLEAN}
        literal = expressions.number(mark) if numeric else expressions.text_literal(mark)
        return f"{expressions.quote(column.name)} {'>=' if again else '>'} {literal}"

    def expression(self, coercion: Coercion, operand: str, wanted: ColumnType) -> str | None:
        return expressions.expression(coercion, operand, wanted)


def _declaration(foreign: ColumnType) -> str | None:
    declare = _DECLARATIONS.get(foreign.kind)
    return declare(foreign) if callable(declare) else declare


def _declared_integer(foreign: ColumnType) -> str:
    bits = foreign.size or 64
    return next(name for name, room in _INTEGERS.items() if bits <= room)


def _declared_decimal(foreign: ColumnType) -> str | None:
    """A number without declared digits may have up to 35 before the point and 30 behind it."""
    precision, scale = foreign.size, foreign.scale or 0
    if precision is None:
        return f"decimal({_LARGEST_PRECISION},{_LARGEST_SCALE})"
    if precision > _LARGEST_PRECISION or not 0 <= scale <= min(precision, _LARGEST_SCALE):
        return None
    return f"decimal({precision},{scale})"


def _declared_text(foreign: ColumnType) -> str:
    """What an index can hold whole is a varchar; all columns of a row share 65,535 bytes."""
    if foreign.size is None or not 1 <= foreign.size <= _LONGEST_IN_A_KEY:
        return "longtext"
    padded = foreign.padded and foreign.size <= _LONGEST_CHAR
    return f"{'char' if padded else 'varchar'}({foreign.size})"


def _declared_moment(foreign: ColumnType) -> str:
    digits = _MICROSECONDS if foreign.size is None else foreign.size
    if foreign.kind is Kind.TIME:
        return f"time({digits})"
    return f"{'timestamp' if foreign.zoned else 'datetime'}({digits})"


_DECLARATIONS: dict[Kind, str | Callable[[ColumnType], str | None]] = {
    Kind.INTEGER: _declared_integer,
    Kind.FLOAT: lambda foreign: "float" if foreign.size == 32 else "double",
    Kind.DECIMAL: _declared_decimal,
    Kind.TEXT: _declared_text,
    Kind.TIME: _declared_moment,
    Kind.TIMESTAMP: _declared_moment,
    Kind.NATIVE: lambda foreign: "longtext" if foreign.readable else None,
    Kind.BOOLEAN: "tinyint(1)",
    Kind.BYTES: "longblob",
    Kind.DATE: "date",
    Kind.UUID: "char(36)",
    Kind.JSON: "json",
}


_ZERO = re.compile(r"0000-|....-00-|....-..-00")
_TIME_OF_DAY = re.compile(r"(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d+)?|24:00:00(?:\.0+)?")


def _without_zero_dates(values: Sequence[Any]) -> Sequence[Any]:
    together = " ".join(filter(None, values))
    if "-00" not in together and "0000-" not in together:
        return values
    return [None if value and _ZERO.match(value) else value for value in values]


def _shortened(stored: ColumnType) -> tuple[ColumnFunction, ...]:
    """The server writes every declared digit of a second."""
    return (each(lambda value: value.rstrip("0").rstrip(".")),) if stored.size else ()


def _time_of_day(value: str) -> str:
    if not _TIME_OF_DAY.fullmatch(value):
        raise ValueError(f"holds {value}, which is a duration and no time of day")
    return value


def _single(value: float) -> float:
    """The shortest number that a single-precision column keeps as this one."""
    shown = (float(f"{value:.{digits}g}") for digits in range(6, 10))
    return next((number for number in shown if _as_single(number) == value), value)


def _as_single(value: float) -> float:
    try:
        single: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return float("inf")
    return single


def _without_leading_zeros(value: str) -> str:
    digits = value.lstrip("0")
    return digits if digits[:1].isdigit() else f"0{digits}"


def _boolean(value: int) -> bool:
    if value not in (0, 1):
        raise ValueError(f"holds {value}, which is neither 0 nor 1")
    return value == 1


def _decode_boolean(_: ColumnType, wanted: ColumnType) -> tuple[ColumnFunction, ...]:
    """Numbers other than 0 and 1 are no booleans, but fit a number."""
    return () if wanted.kind is Kind.INTEGER else (each(_boolean),)


def _decode_decimal(stored: ColumnType, _: ColumnType) -> tuple[ColumnFunction, ...]:
    return (each(_without_leading_zeros),) if "zerofill" in stored.native.lower() else ()


def _decode_float(stored: ColumnType, _: ColumnType) -> tuple[ColumnFunction, ...]:
    return (each_distinct(_single),) if stored.size == 32 else ()


def _decode_time(stored: ColumnType, wanted: ColumnType) -> tuple[ColumnFunction, ...]:
    """A duration is no time of day, but fits a text."""
    if wanted.kind is Kind.TEXT:
        return ()
    return (each_distinct(_time_of_day), *_shortened(stored))


def _decode_timestamp(stored: ColumnType, _: ColumnType) -> tuple[ColumnFunction, ...]:
    in_utc = (each(lambda value: f"{value}+00"),) if stored.zoned else ()
    return (_without_zero_dates, *_shortened(stored), *in_utc)


_DECODINGS: dict[Kind, Callable[[ColumnType, ColumnType], tuple[ColumnFunction, ...]]] = {
    Kind.BOOLEAN: _decode_boolean,
    Kind.DECIMAL: _decode_decimal,
    Kind.FLOAT: _decode_float,
    Kind.DATE: lambda *_: (_without_zero_dates,),
    Kind.TIME: _decode_time,
    Kind.TIMESTAMP: _decode_timestamp,
}


def _plain_years(values: Sequence[Any]) -> Sequence[Any]:
    for row, value in enumerate(values):
        if value is not None and (value[4:5] != "-" or value[-1] == "C"):
            raise BadValue(row, "lies outside of the years 1 to 9999, which MySQL keeps")
    return values


def _without_offsets(values: Sequence[Any]) -> Sequence[Any]:
    return [None if value is None else value.removesuffix("+00") for value in values]


_ENCODERS: dict[Kind, ColumnFunction] = {
    Kind.BOOLEAN: each(int),
    Kind.FLOAT: within(
        lambda value: abs(value) < float("inf"), "is no finite number, which MySQL does not keep"
    ),
    Kind.DECIMAL: within(
        lambda value: Decimal(value).is_finite(), "is no finite number, which MySQL does not keep"
    ),
    Kind.DATE: _plain_years,
    Kind.TIMESTAMP: _plain_years,
}

TYPES = MysqlTypes()
