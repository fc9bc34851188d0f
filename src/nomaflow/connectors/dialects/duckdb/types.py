"""DuckDB's types: columns keep what they declare; integers come in more widths than elsewhere."""

import re
from collections.abc import Sequence
from typing import Any, Final

from nomaflow.connectors.coercions import WHITE, Coercion, Constant, Trimmed, WithoutNul
from nomaflow.connectors.dialects.duckdb import expressions
from nomaflow.connectors.dialects.duckdb.expressions import quote, text_literal
from nomaflow.connectors.tables import Column, ColumnType, Kind
from nomaflow.connectors.values import ColumnFunction, within

_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_LARGEST_PRECISION: Final = 38
_MICROSECONDS: Final = 6
_PLAIN: dict[str, tuple[Kind, int | None]] = {
    "BOOLEAN": (Kind.BOOLEAN, None),
    "TINYINT": (Kind.INTEGER, 8),
    "SMALLINT": (Kind.INTEGER, 16),
    "INTEGER": (Kind.INTEGER, 32),
    "BIGINT": (Kind.INTEGER, 64),
    "UTINYINT": (Kind.INTEGER, 16),
    "USMALLINT": (Kind.INTEGER, 32),
    "UINTEGER": (Kind.INTEGER, 64),
    "UBIGINT": (Kind.DECIMAL, 20),
    "HUGEINT": (Kind.DECIMAL, 39),
    "UHUGEINT": (Kind.DECIMAL, 39),
    "FLOAT": (Kind.FLOAT, 32),
    "DOUBLE": (Kind.FLOAT, 64),
    "VARCHAR": (Kind.TEXT, None),
    "BLOB": (Kind.BYTES, None),
    "DATE": (Kind.DATE, None),
    "TIME": (Kind.TIME, _MICROSECONDS),
    "TIME_NS": (Kind.TIME, 9),
    "TIMESTAMP": (Kind.TIMESTAMP, _MICROSECONDS),
    "TIMESTAMP_S": (Kind.TIMESTAMP, 0),
    "TIMESTAMP_MS": (Kind.TIMESTAMP, 3),
    "TIMESTAMP_NS": (Kind.TIMESTAMP, 9),
    "UUID": (Kind.UUID, None),
    "JSON": (Kind.JSON, None),
}
_ZONED: Final = "TIMESTAMP WITH TIME ZONE"
_READABLE: Final = frozenset({"INTERVAL", "BIT"})
_EDGES: Final = {
    "UTINYINT": (0, 2**8 - 1),
    "USMALLINT": (0, 2**16 - 1),
    "UINTEGER": (0, 2**32 - 1),
    "UBIGINT": (0, 2**64 - 1),
    "HUGEINT": (-(2**127), 2**127 - 1),
    "UHUGEINT": (0, 2**128 - 1),
}


def column_type(native: str) -> ColumnType:
    """A type as DuckDB's catalogue spells it; an enumeration's values are texts."""
    if match := _DECIMAL.fullmatch(native):
        return ColumnType(Kind.DECIMAL, native, int(match[1]), int(match[2]))
    if native == _ZONED:
        return ColumnType(Kind.TIMESTAMP, native, _MICROSECONDS, zoned=True)
    if native.startswith("ENUM(") and native.endswith(")"):
        return ColumnType(Kind.TEXT, native)
    if native in _PLAIN:
        kind, size = _PLAIN[native]
        return ColumnType(kind, native, size, 0 if kind is Kind.DECIMAL else None)
    return ColumnType(Kind.NATIVE, native, readable=native in _READABLE)


class DuckdbTypes:
    """Most values travel as the text that DuckDB writes and reads itself."""

    dialect = "duckdb"
    enforced = True
    longest_name = 1_000_000

    def folded(self, name: str) -> str:
        return name.lower()

    def named(self, name: str) -> str:
        return name

    def decode(self, stored: ColumnType, wanted: ColumnType) -> tuple[ColumnFunction, ...]:  # noqa: ARG002
        return (_era_last,) if stored.kind in {Kind.DATE, Kind.TIMESTAMP} else ()

    def blank(self, stored: ColumnType) -> str | None:  # noqa: ARG002 - every value is one
        return None

    def unstored(self, declared: ColumnType) -> str | None:  # noqa: ARG002 - every value is one
        return None

    def encode(self, declared: ColumnType) -> tuple[ColumnFunction, ...]:
        if declared.kind in {Kind.DATE, Kind.TIMESTAMP}:
            return (_era_after_the_date,)
        if declared.native in _EDGES:
            low, high = _EDGES[declared.native]
            reason = f"is out of range for {declared.native}"
            return (within(lambda value: _is_between(value, low, high), reason),)
        return ()

    def carrier(self, foreign: ColumnType) -> ColumnType | None:
        declaration = _declaration(foreign)
        if declaration is None:
            return None
        if foreign.kind is Kind.DECIMAL and not declaration.startswith("DECIMAL"):
            return ColumnType(Kind.DECIMAL, declaration)
        return column_type(declaration)

    def literal(self, value: Constant) -> str:
        return expressions.literal(value)

    def identifier(self, name: str) -> str:
        return quote(name)

    def since(self, column: Column, mark: str, *, again: bool) -> str:
        literal = f"CAST({text_literal(mark)} AS {column.type.native})"
        return f"{quote(column.name)} {'>=' if again else '>'} {literal}"

    def expression(self, coercion: Coercion, operand: str, wanted: ColumnType) -> str | None:  # noqa: ARG002
        """Texts alone: the numbers of Python have all the digits that a scaled one may need."""
        if isinstance(coercion, WithoutNul):
            return f"replace({operand}, chr(0), '')"
        if not isinstance(coercion, Trimmed):
            return None
        white = f"trim({operand}, {text_literal(WHITE)})"
        return white if coercion.both else f"rtrim({operand}, ' ')"


def _declaration(foreign: ColumnType) -> str | None:
    match foreign.kind:
        case Kind.INTEGER:
            return next(name for bits, name in _INTEGERS if bits >= (foreign.size or 64))
        case Kind.FLOAT:
            return "FLOAT" if foreign.size == 32 else "DOUBLE"
        case Kind.DECIMAL:
            return _decimal(foreign.size, foreign.scale or 0)
        case Kind.TIMESTAMP:
            return _ZONED if foreign.zoned else "TIMESTAMP"
        case Kind.NATIVE:
            return "VARCHAR" if foreign.readable else None
        case kind:
            return _DECLARATIONS.get(kind)


def _decimal(precision: int | None, scale: int) -> str:
    """Text where a number has more digits than DuckDB keeps, or no limit."""
    if precision is None:
        return "VARCHAR"
    digits, places = max(precision, precision - scale, scale), max(scale, 0)
    return f"DECIMAL({digits},{places})" if 0 < digits <= _LARGEST_PRECISION else "VARCHAR"


_INTEGERS: Final = ((8, "TINYINT"), (16, "SMALLINT"), (32, "INTEGER"), (64, "BIGINT"))
_DECLARATIONS: Final = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TEXT: "VARCHAR",
    Kind.BYTES: "BLOB",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.UUID: "UUID",
    Kind.JSON: "JSON",
}


def _is_between(value: Any, low: int, high: int) -> bool:
    """Of an integer, or of the text of a whole number."""
    try:
        return low <= int(value) <= high
    except ValueError:
        return False


def _era_last(values: Sequence[Any]) -> Sequence[Any]:
    """`0044-03-15 (BC) 10:00:00` as `0044-03-15 10:00:00 BC`."""
    return [v.replace(" (BC)", "") + " BC" if v and "(" in v else v for v in values]


def _era_after_the_date(values: Sequence[Any]) -> Sequence[Any]:
    return [_with_era(v[:-3]) if v and v.endswith(" BC") else v for v in values]


def _with_era(value: str) -> str:
    day, blank, rest = value.partition(" ")
    return f"{day} (BC){blank}{rest}"


TYPES = DuckdbTypes()
