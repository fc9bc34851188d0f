"""Coercions and constants as PostgreSQL's SQL. Each is exact, or the statement fails."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from nomaflow.connectors.coercions import (
    WHITE,
    Coercion,
    Constant,
    JulianDate,
    Scaled,
    Trimmed,
    WithoutNul,
)
from nomaflow.connectors.tables import ColumnType, Kind

_JULIAN = """CASE
WHEN {n} BETWEEN 1 AND 999365 AND {n} % 1000 BETWEEN 1 AND 365
  THEN make_date(1900 + {n} / 1000, 1, 1) + ({n} % 1000 - 1)
WHEN {n} % 1000 = 366 AND {n} > 0 AND {n} / 1000 % 4 = 0
  AND ({n} / 1000 % 100 <> 0 OR {n} / 1000 % 400 = 100)
  THEN make_date(1900 + {n} / 1000, 1, 1) + 365
WHEN {x} IS NULL OR {x} = 0 THEN NULL
ELSE ('no Julian date CYYDDD: ' || {x})::date END"""
_WHOLE = "CASE WHEN {x} BETWEEN 0 AND 999999 AND {x} = trunc({x}) THEN {x}::integer ELSE -1 END"
_FITS_INTEGER = 9


def expression(coercion: Coercion, operand: str, wanted: ColumnType) -> str | None:
    """SQL of type `wanted`; None: the values are to be coerced elsewhere."""
    return _WRITERS[type(coercion)](coercion, operand, wanted)


def _trimmed(coercion: Trimmed, operand: str, wanted: ColumnType) -> str:
    if coercion.both:
        return f"btrim({operand}::text, {text_literal(WHITE)})::{wanted.native}"
    return f"rtrim({operand}::text, ' ')::{wanted.native}"


def _without_nul(_: WithoutNul, operand: str, __: ColumnType) -> str:
    return operand


def _scaled(coercion: Scaled, operand: str, wanted: ColumnType) -> str | None:
    kind = coercion.stored.kind
    if kind not in _NUMERIC:
        return None
    number = _NUMERIC[kind].format(x=operand)
    if coercion.places:
        number = f"{number} * 0.{'1':0>{coercion.places}}"
    if coercion.truncated:
        number = f"trunc({number})"
    return f"({number})::{wanted.native}"


def _julian(coercion: JulianDate, operand: str, _: ColumnType) -> str | None:
    stored = coercion.stored
    if stored.kind is Kind.INTEGER and stored.size != 64:
        return _JULIAN.format(n=operand, x=operand)
    if stored.kind is Kind.DECIMAL and stored.size is not None and stored.size <= _FITS_INTEGER:
        whole = f"{operand}::integer" if not stored.scale else _WHOLE.format(x=operand)
        return _JULIAN.format(n=f"({whole})", x=operand)
    if stored.kind in {Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT}:
        return _JULIAN.format(n=f"({_WHOLE.format(x=operand)})", x=operand)
    return None


_NUMERIC = {
    Kind.INTEGER: "{x}::numeric",
    Kind.DECIMAL: "{x}::numeric",
    Kind.FLOAT: "{x}::text::numeric",
}
_WRITERS: dict[type, Callable[[Any, str, ColumnType], str | None]] = {
    Trimmed: _trimmed,
    WithoutNul: _without_nul,
    Scaled: _scaled,
    JulianDate: _julian,
}


def literal(value: Constant) -> str:
    """A constant with its type."""
    match value:
        case bool():
            return f"{value}::boolean"
        case int():
            return f"'{value}'::bigint"
        case float():
            return f"'{value!r}'::double precision"
        case datetime():
            kind = "timestamp" if value.tzinfo is None else "timestamptz"
            return f"'{value.isoformat(' ')}'::{kind}"
        case date():
            return f"'{value.isoformat()}'::date"
        case _:
            return f"{text_literal(value)}::text"


def text_literal(value: str) -> str:
    """A text constant, whatever `standard_conforming_strings` says."""
    body = value.replace("'", "''")
    return "E'" + body.replace("\\", "\\\\") + "'" if "\\" in body else f"'{body}'"


def quote(name: str) -> str:
    """An identifier as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'
