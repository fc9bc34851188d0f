"""Oracle's types: numbers without a size, dates with a time, and how values are read and written.

What Python has no exact type for travels as text: dates before the year 1, nanoseconds, instants
with a zone (as the same instant in UTC).
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from nomaflow.connectors.coercions import Coercion, Constant
from nomaflow.connectors.tables import Column, ColumnType, Kind
from nomaflow.connectors.values import (
    ColumnFunction,
    each,
    each_distinct,
    exact_decimals,
    shortest_single,
    within_the_calendar,
    without_trailing_zeros,
)

_LARGEST_PRECISION: Final = 38
_TIMESTAMP = re.compile(r"TIMESTAMP\((\d)\)( WITH (?:LOCAL )?TIME ZONE)?")
_PLAIN: Final = {
    "BINARY_FLOAT": (Kind.FLOAT, 32),
    "BINARY_DOUBLE": (Kind.FLOAT, 64),
    "DATE": (Kind.TIMESTAMP, 0),
    "CLOB": (Kind.TEXT, None),
    "NCLOB": (Kind.TEXT, None),
    "LONG": (Kind.TEXT, None),
    "BLOB": (Kind.BYTES, None),
    "RAW": (Kind.BYTES, None),
    "LONG RAW": (Kind.BYTES, None),
    "JSON": (Kind.JSON, None),
    "BOOLEAN": (Kind.BOOLEAN, None),
}
_PADDED: Final = frozenset({"CHAR", "NCHAR"})
_TEXTS: Final = frozenset({*_PADDED, "VARCHAR2", "NVARCHAR2"})
_MOMENT: Final = (
    "CASE WHEN {c} < DATE '0001-01-01' THEN TO_CHAR({c}, '{f}') || ' BC'"
    " ELSE TO_CHAR({c}, '{f}') END"
)
DAY: Final = "YYYY-MM-DD HH24:MI:SS"
_UTC: Final = "SYS_EXTRACT_UTC(CAST({c} AS TIMESTAMP(9) WITH TIME ZONE))"


def column_type(
    native: str, size: int | None = None, precision: int | None = None, scale: int | None = None
) -> ColumnType:
    """A type as the catalogue has it; `size` in characters."""
    if native == "NUMBER":
        return _number(precision, scale)
    if native == "FLOAT":
        return ColumnType(Kind.DECIMAL, f"FLOAT({precision or 126})")
    if native in _TEXTS:
        return ColumnType(Kind.TEXT, f"{native}({size})", size, padded=native in _PADDED)
    if match := _TIMESTAMP.fullmatch(native):
        return ColumnType(Kind.TIMESTAMP, native, int(match[1]), zoned=bool(match[2]))
    if native in _PLAIN:
        kind, limit = _PLAIN[native]
        return ColumnType(kind, f"RAW({size})" if native == "RAW" else native, limit)
    return ColumnType(Kind.NATIVE, native)


def _number(precision: int | None, scale: int | None) -> ColumnType:
    """NUMBER(*, s) has 38 digits; plain NUMBER any number of decimals."""
    if precision is None and scale is None:
        return ColumnType(Kind.DECIMAL, "NUMBER")
    digits, places = precision or _LARGEST_PRECISION, scale or 0
    return ColumnType(Kind.DECIMAL, f"NUMBER({digits},{places})", digits, places)


def read(operand: str, column: ColumnType) -> str:
    """SQL that gives the operand in a form of which the driver loses nothing."""
    if column.kind is Kind.TIMESTAMP:
        return _moment(operand, column)
    if column.kind is Kind.JSON:
        return f"JSON_SERIALIZE({operand} RETURNING CLOB)"
    return operand


def _moment(operand: str, column: ColumnType) -> str:
    if column.zoned:
        return _MOMENT.format(c=_UTC.format(c=operand), f=f'{DAY}.FF9"+00"')
    fraction = f".FF{column.size}" if column.size else ""
    return _MOMENT.format(c=operand, f=DAY + fraction)


class OracleTypes:
    """An empty text is NULL, as it is stored."""

    dialect = "oracle"
    enforced = True
    longest_name = 128

    def folded(self, name: str) -> str:
        return name.upper()

    def named(self, name: str) -> str:
        return conventional(name)

    def decode(self, stored: ColumnType, wanted: ColumnType) -> tuple[ColumnFunction, ...]:  # noqa: ARG002
        if stored.kind is Kind.TIMESTAMP:
            return (each_distinct(without_trailing_zeros),)
        if stored.kind is Kind.FLOAT and stored.size == 32:
            return (each(shortest_single),)
        return (_DECODERS[stored.kind],) if stored.kind in _DECODERS else ()

    def blank(self, stored: ColumnType) -> str | None:  # noqa: ARG002 - every value is one
        return None

    def unstored(self, declared: ColumnType) -> str | None:
        return "an empty text" if declared.kind is Kind.TEXT else None

    def encode(self, declared: ColumnType) -> tuple[ColumnFunction, ...]:
        """Oracle would round what is refused here, or has no such instant."""
        match declared.kind:
            case Kind.DECIMAL:
                return (each(_exact_number(_digits(declared))),)
            case Kind.BOOLEAN if declared.native != "BOOLEAN":
                return (each(int),)
            case Kind.TIMESTAMP if declared.size:
                return (each_distinct(_with_fraction),)
            case kind:
                return _ENCODERS.get(kind, ())

    def carrier(self, foreign: ColumnType) -> ColumnType | None:
        """The kind is kept, also of what Oracle has no type for."""
        if foreign.kind is Kind.NATIVE:
            return ColumnType(Kind.TEXT, "CLOB") if foreign.readable else None
        native = _declaration(foreign)
        if native is None or foreign.kind is Kind.TIMESTAMP:
            return column_type(native) if native else None
        return ColumnType(
            foreign.kind, native, foreign.size, foreign.scale, foreign.zoned, foreign.padded
        )

    def literal(self, value: Constant) -> str:
        match value:
            case bool():
                return str(int(value))
            case int():
                return str(value)
            case float():
                return f"TO_BINARY_DOUBLE('{value!r}')"
            case datetime():
                zone = "" if value.tzinfo is None else " +00:00"
                return f"TIMESTAMP '{_in_utc(value).isoformat(' ')}{zone}'"
            case date():
                return f"DATE '{value.isoformat()}'"
            case _:
                return text_literal(value)

    def identifier(self, name: str) -> str:
        return quote(name)

    def since(self, column: Column, mark: str, *, again: bool) -> str:
        return f"{quote(column.name)} {'>=' if again else '>'} {_bound(mark, column.type)}"

    def expression(self, coercion: Coercion, operand: str, wanted: ColumnType) -> str | None:  # noqa: ARG002
        """None: trimmed in Oracle, a text of blanks would be NULL."""
        return None


def _bound(mark: str, column: ColumnType) -> str:
    """A mark as a value of the column's type."""
    text = text_literal(mark.removesuffix("+00"))
    if column.kind is Kind.TIMESTAMP and column.zoned:
        return f"FROM_TZ(TO_TIMESTAMP({text}, '{DAY}.FF'), '+00:00')"
    if column.native == "DATE":
        return f"TO_DATE({text}, '{DAY}')"
    if column.kind is Kind.TIMESTAMP:
        return f"TO_TIMESTAMP({text}, '{DAY}.FF')"
    if column.kind in {Kind.DECIMAL, Kind.INTEGER}:
        return f"CAST({text} AS NUMBER)"
    return f"TO_BINARY_DOUBLE({text})" if column.kind is Kind.FLOAT else text


def _in_utc(value: datetime) -> datetime:
    offset = value.utcoffset()
    return value if offset is None else value.replace(tzinfo=None) - offset


def quote(name: str) -> str:
    """An identifier as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: str) -> str:
    """A text as SQL takes it."""
    return "'" + value.replace("'", "''") + "'"


_DECODERS: Final[dict[Kind, ColumnFunction]] = {
    Kind.INTEGER: each(int),
    Kind.DECIMAL: exact_decimals,
    Kind.BOOLEAN: each(bool),
    Kind.DATE: each(lambda value: value.date().isoformat()),
}
_LONGEST_TEXT: Final = 4000
_LONGEST_FIXED: Final = 2000
_SMALLEST, _LARGEST = -130, 125
_MOST_DIGITS: Final = 9
_DIGITS_OF_A_BIT: Final = 0.30103
_FLOAT = re.compile(r"FLOAT\((\d+)\)")
_INTEGERS: Final = ((16, 5), (32, 10), (64, 19))
_CARRIERS: Final = {
    Kind.BOOLEAN: "NUMBER(1,0)",
    Kind.BYTES: "BLOB",
    Kind.DATE: "DATE",
    Kind.TIME: "VARCHAR2(18)",
    Kind.UUID: "VARCHAR2(36)",
    Kind.JSON: "CLOB",
}


def conventional(name: str) -> str:
    """A new name as SQL without quotes would make it."""
    return name.upper() if name == name.lower() else name


def _declaration(foreign: ColumnType) -> str | None:
    match foreign.kind:
        case Kind.INTEGER:
            bits = foreign.size or 64
            return f"NUMBER({next(digits for most, digits in _INTEGERS if most >= bits)},0)"
        case Kind.DECIMAL:
            return _decimal_declaration(foreign.size, foreign.scale or 0)
        case Kind.FLOAT:
            return "BINARY_FLOAT" if foreign.size == 32 else "BINARY_DOUBLE"
        case Kind.TEXT:
            return _text_declaration(foreign)
        case Kind.TIMESTAMP:
            digits = 6 if foreign.size is None else min(foreign.size, _MOST_DIGITS)
            return f"TIMESTAMP({digits}){' WITH TIME ZONE' if foreign.zoned else ''}"
        case kind:
            return _CARRIERS.get(kind)


def _decimal_declaration(precision: int | None, scale: int) -> str:
    """A number of more digits than Oracle declares may still have no more than it keeps."""
    if precision is None or precision > _LARGEST_PRECISION:
        return "NUMBER"
    return f"NUMBER({precision},{scale})"


def _text_declaration(foreign: ColumnType) -> str:
    size = foreign.size
    if size is None or not 0 < size <= _LONGEST_TEXT:
        return "CLOB"
    return f"CHAR({size})" if foreign.padded and size <= _LONGEST_FIXED else f"VARCHAR2({size})"


def _digits(declared: ColumnType) -> int:
    """How many Oracle keeps of such a number."""
    binary = _FLOAT.fullmatch(declared.native)
    return int(int(binary[1]) * _DIGITS_OF_A_BIT) if binary else _LARGEST_PRECISION


def _exact_number(digits: int) -> Callable[[str], Decimal]:
    def exact(value: str) -> Decimal:
        number = Decimal(value)
        if not number.is_finite():
            raise ValueError("is no finite number")
        significant = len("".join(map(str, number.as_tuple().digits)).strip("0"))
        if significant > digits or (number and not _SMALLEST <= number.adjusted() <= _LARGEST):
            raise ValueError(f"has more than the {digits} digits that Oracle keeps")
        return number

    return exact


def _with_fraction(value: str) -> str:
    """In the form of `.FF9`, with the zone behind it if there is one."""
    moment, plus, zone = within_the_calendar(value).partition("+")
    return f"{moment if '.' in moment else moment + '.0'}{plus}{zone}"


def _empty_is_null(values: Sequence[Any]) -> Sequence[Any]:
    return [value or None for value in values]


_ENCODERS: Final[dict[Kind, tuple[ColumnFunction, ...]]] = {
    Kind.TEXT: (_empty_is_null,),
    Kind.DATE: (each_distinct(within_the_calendar),),
    Kind.TIMESTAMP: (each_distinct(within_the_calendar),),
}

TYPES = OracleTypes()
