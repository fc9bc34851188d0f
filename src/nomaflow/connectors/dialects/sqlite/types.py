"""SQLite's declared types, which promise little, and the values that really stand in columns."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from operator import itemgetter, ne
from typing import Any

from nomaflow.connectors.coercions import Coercion, Constant
from nomaflow.connectors.tables import Column, ColumnType, Kind
from nomaflow.connectors.values import (
    ColumnFunction,
    each,
    each_distinct,
    only,
    parse_date,
    parse_decimal,
    parse_time,
    parse_timestamp,
    parse_uuid,
    parse_zoned_timestamp,
    within,
)

_DIGITS_OF_A_DOUBLE = 15
_DIGITS_OF_AN_INTEGER = 18
_DECLARED = re.compile(r"([^(]*)(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)([^(]*))?")
_NAMED = {
    "BOOLEAN": Kind.BOOLEAN,
    "BOOL": Kind.BOOLEAN,
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    "DATETIME": Kind.TIMESTAMP,
    "TIMESTAMP": Kind.TIMESTAMP,
    "TIMESTAMP WITHOUT TIME ZONE": Kind.TIMESTAMP,
    "TIMESTAMPTZ": Kind.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": Kind.TIMESTAMP,
    "UUID": Kind.UUID,
    "JSON": Kind.JSON,
    "JSON_TEXT": Kind.JSON,
    "DECIMAL": Kind.DECIMAL,
    "DECIMAL_TEXT": Kind.DECIMAL,
    "NUMERIC": Kind.DECIMAL,
    "NUM": Kind.DECIMAL,
    "NUMBER": Kind.DECIMAL,
}
_ZONED = frozenset({"TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"})
_SMALL = frozenset({"SMALLINT", "INT2"})


def column_type(declared: str) -> ColumnType:
    """What a declaration such as `DECIMAL(10, 2)` means; an unknown or absent one is ANY."""
    match = _DECLARED.fullmatch(declared)
    words, first, second, rest = match.groups() if match else (declared, None, None, None)
    name = " ".join(f"{words} {rest or ''}".upper().split())
    size = int(first) if first else None
    kind = _NAMED.get(name) or _by_affinity(name)
    if kind is Kind.DECIMAL:
        return ColumnType(kind, declared, size, _scale(size, second))
    if kind is Kind.INTEGER:
        return ColumnType(kind, declared, 16 if name in _SMALL else 64)
    if kind is Kind.FLOAT:
        return ColumnType(kind, declared, 64)
    return ColumnType(kind, declared, size, zoned=name in _ZONED)


def _scale(precision: int | None, declared: str | None) -> int | None:
    return int(declared or 0) if precision is not None else None


def _by_affinity(name: str) -> Kind:
    """SQLite's own rules, in their order; its NUMERIC affinity says nothing certain."""
    if "INT" in name:
        return Kind.INTEGER
    if any(word in name for word in ("CHAR", "CLOB", "TEXT")):
        return Kind.TEXT
    if "BLOB" in name:
        return Kind.BYTES
    if any(word in name for word in ("REAL", "FLOA", "DOUB")):
        return Kind.FLOAT
    return Kind.ANY


def _is_text_affinity(declared: str) -> bool:
    return any(word in declared.upper() for word in ("CHAR", "CLOB", "TEXT"))


class SqliteTypes:
    """Values are checked one by one, because SQLite stores any value in any column."""

    dialect = "sqlite"
    enforced = False
    longest_name = 1_000_000

    def folded(self, name: str) -> str:
        return name.lower()

    def named(self, name: str) -> str:
        return name

    def decode(self, stored: ColumnType, wanted: ColumnType) -> tuple[ColumnFunction, ...]:
        """Refuse what is not of the declared kind; `2026-03-29T02:30:00Z` and the like parse."""
        meant = wanted if stored.kind is Kind.ANY else stored
        if meant.kind is Kind.TIMESTAMP and meant.zoned:
            return (each_distinct(_text(parse_zoned_timestamp)),)
        return (_DECODERS[meant.kind],) if meant.kind in _DECODERS else ()

    def blank(self, stored: ColumnType) -> str | None:  # noqa: ARG002 - every value is one
        return None

    def unstored(self, declared: ColumnType) -> str | None:  # noqa: ARG002 - every value is one
        return None

    def encode(self, declared: ColumnType) -> tuple[ColumnFunction, ...]:
        """Refuse what SQLite would turn into something else, such as NaN into NULL."""
        if declared.kind is Kind.DECIMAL:
            return (_encode_decimal(declared),)
        if declared.kind is Kind.TIMESTAMP and declared.zoned:
            return (_plain_years, _full_offsets)
        return (_ENCODERS[declared.kind],) if declared.kind in _ENCODERS else ()

    def carrier(self, foreign: ColumnType) -> ColumnType | None:
        """Types whose affinity leaves the canonical values as they are."""
        if foreign.kind is Kind.ANY or (foreign.kind is Kind.NATIVE and not foreign.readable):
            return None
        return column_type(_declaration(foreign))

    def literal(self, value: Constant) -> str:
        """In the form that the canonical values have, as SQLite has few types of its own."""
        match value:
            case bool() | int() | float():
                return repr(int(value) if isinstance(value, bool) else value)
            case datetime():
                return f"'{value.isoformat(' ')}'"
            case date():
                return f"'{value.isoformat()}'"
            case _:
                return "'" + value.replace("'", "''") + "'"

    def identifier(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def since(self, column: Column, mark: str, *, again: bool) -> str:
        """The mark is JSON, so that a number is compared as a number; else it is a text."""
        try:
            value = json.loads(mark)
        except ValueError:
            value = mark
        return f"{self.identifier(column.name)} {'>=' if again else '>'} {self.literal(value)}"

    def expression(self, coercion: Coercion, operand: str, wanted: ColumnType) -> str | None:  # noqa: ARG002
        """None: a value may be of any type, and there are no decimals."""
        return None


def _declaration(foreign: ColumnType) -> str:
    if foreign.kind is Kind.DECIMAL:
        return _decimal_declaration(foreign.size, foreign.scale or 0)
    if foreign.kind is Kind.TEXT and foreign.size is not None:
        return f"{'CHAR' if foreign.padded else 'VARCHAR'}({foreign.size})"
    if foreign.kind is Kind.INTEGER:
        return "SMALLINT" if (foreign.size or 64) <= 16 else "INTEGER"
    if foreign.kind is Kind.TIMESTAMP:
        return "TIMESTAMPTZ" if foreign.zoned else "TIMESTAMP"
    return _DECLARATIONS[foreign.kind]


def _decimal_declaration(precision: int | None, scale: int) -> str:
    """NUMERIC affinity where it loses no digit, text otherwise."""
    if precision is None:
        return "DECIMAL_TEXT"
    exact = _DIGITS_OF_A_DOUBLE if scale else _DIGITS_OF_AN_INTEGER
    name = "DECIMAL" if precision <= exact and 0 <= scale <= precision else "DECIMAL_TEXT"
    return f"{name}({precision},{scale})" if scale >= 0 else "DECIMAL_TEXT"


_DECLARATIONS = {
    Kind.FLOAT: "REAL",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TEXT: "TEXT",
    Kind.BYTES: "BLOB",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.UUID: "UUID",
    Kind.JSON: "JSON_TEXT",
    Kind.NATIVE: "TEXT",
}


_NAMES = {int: "an integer", float: "a real number", str: "a text", bytes: "a blob"}


def _wrong(wanted: str) -> Callable[[Any], Any]:
    def refuse(value: Any) -> Any:
        raise ValueError(f"holds {_NAMES[type(value)]}, not {wanted}")

    return refuse


def _all(kind: type, wanted: str) -> ColumnFunction:
    """Values of that Python type alone."""
    refuse = _wrong(wanted)
    return only(frozenset({kind}), lambda value: value if type(value) is kind else refuse(value))


def _text(parse: Callable[[str], str]) -> Callable[[Any], str]:
    refuse = _wrong("text")
    return lambda value: parse(value) if isinstance(value, str) else refuse(value)


def _real(value: Any) -> float:
    if type(value) is int and int(float(value)) == value:
        return float(value)
    if type(value) is float:
        return value
    raise ValueError(f"holds {_NAMES[type(value)]}, not a real number")


def _decimal(value: Any) -> str:
    if type(value) is int:
        return str(value)
    if type(value) is str:
        return parse_decimal(value)
    if type(value) is float and isfinite(value):
        text = repr(value)
        return text if "e" not in text else format(Decimal(text), "f")
    raise ValueError("holds no finite decimal number")


def _boolean(value: Any) -> bool:
    if type(value) is not int or value not in (0, 1):
        raise ValueError("holds neither 0 nor 1")
    return value == 1


_DECODERS: dict[Kind, ColumnFunction] = {
    Kind.INTEGER: _all(int, "an integer"),
    Kind.DECIMAL: each(_decimal),
    Kind.FLOAT: only(frozenset({float}), _real),
    Kind.BOOLEAN: each(_boolean),
    Kind.TEXT: _all(str, "text"),
    Kind.BYTES: _all(bytes, "a blob"),
    Kind.DATE: each_distinct(_text(parse_date)),
    Kind.TIME: each_distinct(_text(parse_time)),
    Kind.TIMESTAMP: each_distinct(_text(parse_timestamp)),
    Kind.UUID: each(_text(parse_uuid)),
    Kind.JSON: _all(str, "text"),
}


def _encode_decimal(declared: ColumnType) -> ColumnFunction:
    if keeps_digits(declared):
        reason = "is no finite number, which SQLite has no decimal for"
        return within(_is_finite, reason, plainly=_are_digits)
    return within(_is_kept, "has more digits than SQLite keeps outside of a text column")


def keeps_digits(declared: ColumnType) -> bool:
    """Whether a text, an integer or a double keeps every number of so many digits."""
    if _is_text_affinity(declared.native):
        return True
    exact = _DIGITS_OF_A_DOUBLE if declared.scale else _DIGITS_OF_AN_INTEGER
    return declared.size is not None and declared.size <= exact


def _are_digits(values: Sequence[Any]) -> bool:
    text = "".join(filter(None, values))
    return "N" not in text and "I" not in text


def _is_finite(value: str) -> bool:
    return not value.endswith(("NaN", "Infinity"))


def _is_kept(value: str) -> bool:
    """Whether NUMERIC affinity, an integer or a double, gives the same number back."""
    whole, _, fraction = value.lstrip("+-").partition(".")
    digits = (whole + fraction.rstrip("0")).lstrip("0")
    exact = _DIGITS_OF_A_DOUBLE if fraction.strip("0") else _DIGITS_OF_AN_INTEGER
    return _is_finite(value) and len(digits) <= exact


def _is_plain_year(value: str) -> bool:
    return value[4:5] == "-" and value[-1] != "C"


def _are_plain_years(values: Sequence[Any]) -> bool:
    present = list(filter(None, values))
    return "C" not in set(map(_LAST, present)) and set(map(_FIFTH, present)) <= {"-"}


_FIFTH, _LAST = itemgetter(4), itemgetter(-1)
_plain_years = within(
    _is_plain_year,
    "lies outside of the years 1 to 9999, which SQLite sorts by",
    plainly=_are_plain_years,
)


def _full_offsets(values: Sequence[Any]) -> Sequence[Any]:
    return [None if value is None else f"{value}:00" for value in values]


_ENCODERS: dict[Kind, ColumnFunction] = {
    Kind.FLOAT: within(
        lambda value: value == value,
        "is NaN, which SQLite turns into NULL",
        plainly=lambda values: not any(map(ne, values, values)),
    ),
    Kind.DATE: _plain_years,
    Kind.TIMESTAMP: _plain_years,
}

TYPES = SqliteTypes()
