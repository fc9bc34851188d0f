"""SQL Server's types, and how their values are read and written.

What Python has no exact type for travels as text: seven digits of a second, instants with a zone
(as the same instant in UTC), money.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from nomaflow.connectors.coercions import Coercion, Constant
from nomaflow.connectors.tables import Column, ColumnType, Kind
from nomaflow.connectors.values import (
    ColumnFunction,
    each,
    each_distinct,
    exact_decimals,
    shortest_single,
    within,
    within_the_calendar,
    without_trailing_zeros,
)

_DECLARED = re.compile(r"(?P<name>\w+)(?:\((?P<size>\d+|max)(?:,(?P<scale>\d+))?\))?")
_PLAIN: Final = {
    "bit": ColumnType(Kind.BOOLEAN, "bit"),
    "tinyint": ColumnType(Kind.INTEGER, "tinyint", 16),
    "smallint": ColumnType(Kind.INTEGER, "smallint", 16),
    "int": ColumnType(Kind.INTEGER, "int", 32),
    "bigint": ColumnType(Kind.INTEGER, "bigint", 64),
    "money": ColumnType(Kind.DECIMAL, "money", 19, 4),
    "smallmoney": ColumnType(Kind.DECIMAL, "smallmoney", 10, 4),
    "real": ColumnType(Kind.FLOAT, "real", 32),
    "float": ColumnType(Kind.FLOAT, "float", 64),
    "text": ColumnType(Kind.TEXT, "text"),
    "ntext": ColumnType(Kind.TEXT, "ntext"),
    "xml": ColumnType(Kind.TEXT, "xml"),
    "sysname": ColumnType(Kind.TEXT, "sysname", 128),
    "image": ColumnType(Kind.BYTES, "image"),
    "rowversion": ColumnType(Kind.BYTES, "rowversion"),
    "timestamp": ColumnType(Kind.BYTES, "timestamp"),
    "date": ColumnType(Kind.DATE, "date"),
    "datetime": ColumnType(Kind.TIMESTAMP, "datetime", 3),
    "smalldatetime": ColumnType(Kind.TIMESTAMP, "smalldatetime", 0),
    "uniqueidentifier": ColumnType(Kind.UUID, "uniqueidentifier"),
    "json": ColumnType(Kind.JSON, "json"),
}
_MOMENTS: Final = {"time": Kind.TIME, "datetime2": Kind.TIMESTAMP, "datetimeoffset": Kind.TIMESTAMP}
_TEXTS: Final = frozenset({"char", "nchar", "varchar", "nvarchar"})
_PADDED: Final = frozenset({"char", "nchar"})
_MOST_DIGITS: Final = 7


def column_type(native: str) -> ColumnType:
    """A type as `sys.dm_exec_describe_first_result_set` spells it, e.g. `decimal(10,2)`."""
    match = _DECLARED.fullmatch(native)
    name = match["name"] if match else native
    size = int(match["size"]) if match and (match["size"] or "").isdigit() else None
    if name in _PLAIN:
        return _PLAIN[name]
    if name in {"decimal", "numeric"}:
        return ColumnType(Kind.DECIMAL, native, size or 18, int((match and match["scale"]) or 0))
    if name in _TEXTS:
        return ColumnType(Kind.TEXT, native, size, padded=name in _PADDED)
    if name in {"binary", "varbinary"}:
        return ColumnType(Kind.BYTES, native)
    if name in _MOMENTS:
        digits = _MOST_DIGITS if size is None else size
        return ColumnType(_MOMENTS[name], native, digits, zoned=name == "datetimeoffset")
    return ColumnType(Kind.NATIVE, native)


def read(operand: str, column: ColumnType) -> str:
    """SQL that gives the operand in a form of which the driver loses nothing."""
    form = _ZONED if column.zoned else _READ.get(column.native) or _READ_KIND.get(column.kind)
    return form.format(c=operand) if form else operand


_ZONED: Final = (
    "CONVERT(varchar(27), CAST(SWITCHOFFSET({c}, '+00:00') AS datetime2(7)), 121) + '+00'"
)
_READ: Final = {
    "money": "CAST({c} AS decimal(19,4))",
    "smallmoney": "CAST({c} AS decimal(10,4))",
    "xml": "CAST({c} AS nvarchar(max))",
    "timestamp": "CAST({c} AS binary(8))",
    "rowversion": "CAST({c} AS binary(8))",
}
_READ_KIND: Final = {
    Kind.DATE: "CONVERT(varchar(10), {c}, 23)",
    Kind.TIME: "CONVERT(varchar(16), {c}, 121)",
    Kind.TIMESTAMP: "CONVERT(varchar(27), {c}, 121)",
    Kind.UUID: "LOWER(CONVERT(varchar(36), {c}))",
    Kind.JSON: "CAST({c} AS nvarchar(max))",
}


class MssqlTypes:
    """A column keeps what it declares."""

    dialect = "mssql"
    enforced = True
    longest_name = 128

    def folded(self, name: str) -> str:
        return name.lower()

    def named(self, name: str) -> str:
        return name

    def decode(self, stored: ColumnType, wanted: ColumnType) -> tuple[ColumnFunction, ...]:  # noqa: ARG002
        if stored.kind in {Kind.TIME, Kind.TIMESTAMP}:
            return (each_distinct(without_trailing_zeros),)
        if stored.kind is Kind.FLOAT and stored.size == 32:
            return (each(shortest_single),)
        return (_DECODERS[stored.kind],) if stored.kind in _DECODERS else ()

    def blank(self, stored: ColumnType) -> str | None:  # noqa: ARG002 - every value is one
        return None

    def unstored(self, declared: ColumnType) -> str | None:  # noqa: ARG002 - every value is one
        return None

    def encode(self, declared: ColumnType) -> tuple[ColumnFunction, ...]:
        """SQL Server would round, cut or fill up what these functions refuse."""
        if declared.kind is Kind.DECIMAL and not is_text(declared):
            return (each(_decimal),)
        if declared.native in _COARSE:
            return (within(*_COARSE[declared.native]),)
        if match := _FILLED.fullmatch(declared.native):
            return (within(_has_length(int(match[1])), f"does not fill {declared.native}"),)
        return _ENCODERS.get(declared.kind, ())

    def carrier(self, foreign: ColumnType) -> ColumnType | None:
        """The kind is kept; a number of more digits than there are here becomes text."""
        if foreign.kind is Kind.NATIVE:
            return ColumnType(Kind.TEXT, _LONG_TEXT) if foreign.readable else None
        native = _declaration(foreign)
        if native is None or foreign.kind in {Kind.TIME, Kind.TIMESTAMP}:
            return column_type(native) if native else None
        return ColumnType(
            foreign.kind, native, foreign.size, foreign.scale, foreign.zoned, foreign.padded
        )

    def literal(self, value: Constant) -> str:
        match value:
            case bool():
                return f"CAST({int(value)} AS bit)"
            case int():
                return f"CAST({value} AS bigint)"
            case float():
                return f"CAST({value!r} AS float)"
            case datetime():
                kind = "datetime2" if value.tzinfo is None else "datetimeoffset"
                return f"CAST('{value.isoformat(' ')}' AS {kind}(7))"
            case date():
                return f"CAST('{value.isoformat()}' AS date)"
            case _:
                return text_literal(value)

    def identifier(self, name: str) -> str:
        return quote(name)

    def since(self, column: Column, mark: str, *, again: bool) -> str:
        text = f"{mark.removesuffix('+00')} +00:00" if column.type.zoned else mark
        native = _COMPARED.get(column.type.native, column.type.native)
        bound = f"CONVERT({native}, {text_literal(text)}{_STYLES.get(column.type.kind, '')})"
        return f"{quote(column.name)} {'>=' if again else '>'} {bound}"

    def expression(self, coercion: Coercion, operand: str, wanted: ColumnType) -> str | None:  # noqa: ARG002
        """None: how SQL Server compares and trims depends on each column's collation."""
        return None


def quote(name: str) -> str:
    """An identifier as SQL takes it."""
    return "[" + name.replace("]", "]]") + "]"


def text_literal(value: str) -> str:
    """A text as SQL takes it."""
    return "N'" + value.replace("'", "''") + "'"


_DECODERS: Final[dict[Kind, ColumnFunction]] = {
    Kind.DECIMAL: exact_decimals,
    Kind.BOOLEAN: each(bool),
}
_COMPARED: Final = {"timestamp": "binary(8)", "rowversion": "binary(8)"}
_STYLES: Final = {Kind.BYTES: ", 1", Kind.DATE: ", 23", Kind.TIME: ", 121", Kind.TIMESTAMP: ", 121"}
_LONG_TEXT: Final = "nvarchar(max)"
_LONGEST_TEXT: Final = 4000
_LARGEST_PRECISION: Final = 38
_CARRIERS: Final = {
    Kind.BOOLEAN: "bit",
    Kind.BYTES: "varbinary(max)",
    Kind.DATE: "date",
    Kind.UUID: "uniqueidentifier",
    Kind.JSON: _LONG_TEXT,
}
_INTEGERS: Final = ((16, "smallint"), (32, "int"), (64, "bigint"))


def is_text(column: ColumnType) -> bool:
    """Whether the column holds characters, whatever they mean."""
    return column.native.startswith(("nvarchar", "varchar", "nchar", "char", "text", "ntext"))


def _declaration(foreign: ColumnType) -> str | None:
    match foreign.kind:
        case Kind.INTEGER:
            return next(name for bits, name in _INTEGERS if bits >= (foreign.size or 64))
        case Kind.DECIMAL:
            return _decimal_declaration(foreign.size, foreign.scale or 0)
        case Kind.FLOAT:
            return "real" if foreign.size == 32 else "float"
        case Kind.TEXT:
            return _text_declaration(foreign)
        case Kind.TIME | Kind.TIMESTAMP:
            digits = 6 if foreign.size is None else min(foreign.size, _MOST_DIGITS)
            return f"{_moment_name(foreign)}({digits})"
        case kind:
            return _CARRIERS.get(kind)


def _decimal_declaration(precision: int | None, scale: int) -> str:
    if precision is None:
        return _LONG_TEXT
    digits, places = max(precision, precision - scale, scale), max(scale, 0)
    return f"decimal({digits},{places})" if digits <= _LARGEST_PRECISION else _LONG_TEXT


def _text_declaration(foreign: ColumnType) -> str:
    if foreign.size is None or not 0 < foreign.size <= _LONGEST_TEXT:
        return _LONG_TEXT
    return f"{'nchar' if foreign.padded else 'nvarchar'}({foreign.size})"


def _moment_name(foreign: ColumnType) -> str:
    if foreign.kind is Kind.TIME:
        return "time"
    return "datetimeoffset" if foreign.zoned else "datetime2"


def _decimal(value: str) -> Decimal:
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError("is no finite number")
    return number


def _finite(value: float) -> float:
    if not isfinite(value):
        raise ValueError("is no finite number")
    return value


def _on_the_tick(value: str) -> bool:
    """`datetime` counts in ticks of a 300th of a second, which end in 0, 3 or 7."""
    fraction = value.partition(".")[2].ljust(3, "0")
    return fraction[2] in "037" and not value.endswith(("infinity", "BC"))


def _on_the_minute(value: str) -> bool:
    return value.endswith(":00")


def _has_length(length: int) -> Callable[[Any], bool]:
    return lambda value: len(value) == length


_FILLED = re.compile(r"binary\((\d+)\)")
_COARSE: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "datetime": (_on_the_tick, "falls between two ticks of datetime; make the column datetime2"),
    "smalldatetime": (_on_the_minute, "has seconds; make the column datetime2"),
}
_ENCODERS: Final[dict[Kind, tuple[ColumnFunction, ...]]] = {
    Kind.FLOAT: (each(_finite),),
    Kind.DATE: (each_distinct(within_the_calendar),),
    Kind.TIMESTAMP: (each_distinct(within_the_calendar),),
}

TYPES = MssqlTypes()
