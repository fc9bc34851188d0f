"""Coercions and constants as SQL of MySQL and MariaDB. Each is exact, or the statement fails."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from nomaflow.connectors.coercions import (
    Coercion,
    Constant,
    JulianDate,
    Scaled,
    Trimmed,
    WithoutNul,
)
from nomaflow.connectors.tables import Column, ColumnType, Kind

_MOST_DIGITS = 65
_MOST_PLACES = 30
# The last branch fails: there is no such number.
_JULIAN = """CASE
WHEN {x} IS NULL OR {x} = 0 THEN NULL
WHEN {x} BETWEEN 1 AND 999366 AND {x} = FLOOR({x}) AND MOD({x}, 1000) BETWEEN 1 AND 365
  THEN MAKEDATE(1900 + {x} DIV 1000, MOD({x}, 1000))
WHEN {x} BETWEEN 1 AND 999366 AND MOD({x}, 1000) = 366 AND MOD({x} DIV 1000, 4) = 0
  AND (MOD({x} DIV 1000, 100) <> 0 OR MOD({x} DIV 1000, 400) = 100)
  THEN MAKEDATE(1900 + {x} DIV 1000, 366)
ELSE MAKEDATE(EXP(710 + ABS({x})), 1) END"""


def expression(coercion: Coercion, operand: str, wanted: ColumnType) -> str | None:
    """SQL of type `wanted`; None: the values are to be coerced elsewhere."""
    return _WRITERS[type(coercion)](coercion, operand, wanted)


def _trimmed(coercion: Trimmed, operand: str, _: ColumnType) -> str | None:
    return None if coercion.both else f"TRIM(TRAILING ' ' FROM {operand})"


def _without_nul(_: WithoutNul, operand: str, __: ColumnType) -> str:
    return f"REPLACE({operand}, CHAR(0 USING utf8mb4), '')"


def _scaled(coercion: Scaled, operand: str, _: ColumnType) -> str | None:
    size, scale = coercion.wanted.size, (coercion.stored.scale or 0) + coercion.places
    exact = coercion.stored.kind in {Kind.INTEGER, Kind.DECIMAL}
    if not exact or size is None or size > _MOST_DIGITS or scale > _MOST_PLACES:
        return None
    number = f"{operand} * 0.{'1':0>{coercion.places}}" if coercion.places else operand
    return f"TRUNCATE({number}, 0)" if coercion.truncated else f"({number})"


def _julian(coercion: JulianDate, operand: str, _: ColumnType) -> str | None:
    exact = coercion.stored.kind in {Kind.INTEGER, Kind.DECIMAL}
    return _JULIAN.format(x=operand) if exact else None


_WRITERS: dict[type, Callable[[Any, str, ColumnType], str | None]] = {
    Trimmed: _trimmed,
    WithoutNul: _without_nul,
    Scaled: _scaled,
    JulianDate: _julian,
}


def literal(value: Constant) -> str:
    """A constant with its type; an instant in UTC, as the session's zone is."""
    match value:
        case bool():
            return str(value).upper()
        case int():
            return str(value)
        case float():
            return f"CAST({text_literal(repr(value))} AS DOUBLE)"
        case datetime():
            moment = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
            return f"TIMESTAMP'{moment.isoformat(' ')}'"
        case date():
            return f"DATE'{value.isoformat()}'"
        case _:
            return text_literal(value)


def number(text: str) -> str:
    """A number as SQL takes it. Raises ValueError for any other text."""
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(f"{text} is no finite number")
    return text if "e" in text.lower() else format(value, "f")


def text_literal(value: str) -> str:
    """A text constant, whatever the session says about backslashes."""
    if "\\" in value:
        return f"CONVERT(0x{value.encode().hex()} USING utf8mb4)"
    return "'" + value.replace("'", "''") + "'"


def quote(name: str) -> str:
    """An identifier as SQL takes it."""
    return "`" + name.replace("`", "``") + "`"


def selected(column: Column) -> str:
    """An item of a SELECT's list: the column itself, or what it is computed from.

    The server writes a single-precision number with six digits, a double with all of them.
    """
    name = quote(column.name)
    kind, sql = column.type, column.expression or name
    if kind.kind is Kind.FLOAT and kind.size == 32:
        return f"{sql} + 0e0 AS {name}"
    return name if column.expression is None else f"{sql} AS {name}"
