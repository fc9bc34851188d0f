"""Oracle's types: numbers without a size, dates with a time, and how their values are read.

What Python has no exact type for is read as text: dates before the year 1, nanoseconds, instants
with a zone (as the same instant in UTC).
"""

import re
from datetime import date, datetime
from typing import Final

from nomaflow.connectors.coercions import Coercion, Constant
from nomaflow.connectors.tables import Column, ColumnType, Kind
from nomaflow.connectors.values import (
    ColumnFunction,
    each,
    each_distinct,
    exact_decimals,
    shortest_single,
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
_DAY: Final = "YYYY-MM-DD HH24:MI:SS"
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
        return _MOMENT.format(c=_UTC.format(c=operand), f=f'{_DAY}.FF9"+00"')
    fraction = f".FF{column.size}" if column.size else ""
    return _MOMENT.format(c=operand, f=_DAY + fraction)


class OracleTypes:
    """An empty text is NULL, as it is stored."""

    dialect = "oracle"
    enforced = True
    longest_name = 128

    def folded(self, name: str) -> str:
        return name

    def decode(self, stored: ColumnType, wanted: ColumnType) -> tuple[ColumnFunction, ...]:  # noqa: ARG002
        if stored.kind is Kind.TIMESTAMP:
            return (each_distinct(without_trailing_zeros),)
        if stored.kind is Kind.FLOAT and stored.size == 32:
            return (each(shortest_single),)
        return (_DECODERS[stored.kind],) if stored.kind in _DECODERS else ()

    def blank(self, stored: ColumnType) -> str | None:  # noqa: ARG002 - every value is one
        return None

    def encode(self, declared: ColumnType) -> tuple[ColumnFunction, ...]:  # noqa: ARG002
        """Nothing is written here."""
        return ()

    def carrier(self, foreign: ColumnType) -> ColumnType | None:
        """What a coerced column becomes; its size in characters and digits is kept."""
        native = _CARRIERS.get(foreign.kind)
        if native is None:
            return None
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
        return f"FROM_TZ(TO_TIMESTAMP({text}, '{_DAY}.FF'), '+00:00')"
    if column.native == "DATE":
        return f"TO_DATE({text}, '{_DAY}')"
    if column.kind is Kind.TIMESTAMP:
        return f"TO_TIMESTAMP({text}, '{_DAY}.FF')"
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
_CARRIERS: Final = {
    Kind.INTEGER: "NUMBER(19)",
    Kind.DECIMAL: "NUMBER",
    Kind.FLOAT: "BINARY_DOUBLE",
    Kind.BOOLEAN: "NUMBER(1)",
    Kind.TEXT: "VARCHAR2",
    Kind.BYTES: "BLOB",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.JSON: "JSON",
}

TYPES = OracleTypes()
