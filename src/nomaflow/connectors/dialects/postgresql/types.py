"""PostgreSQL's types: it keeps what it declares, so that its values need no checks."""

from collections.abc import Sequence
from typing import Any

from nomaflow.connectors.coercions import Coercion, Constant
from nomaflow.connectors.dialects.postgresql import expressions
from nomaflow.connectors.tables import Column, ColumnType, Kind
from nomaflow.connectors.values import BadValue, ColumnFunction

_PLAIN = {
    "boolean": (Kind.BOOLEAN, None),
    "smallint": (Kind.INTEGER, 16),
    "integer": (Kind.INTEGER, 32),
    "bigint": (Kind.INTEGER, 64),
    "oid": (Kind.INTEGER, 64),
    "real": (Kind.FLOAT, 32),
    "double precision": (Kind.FLOAT, 64),
    "text": (Kind.TEXT, None),
    "bpchar": (Kind.TEXT, None),
    "bytea": (Kind.BYTES, None),
    "date": (Kind.DATE, None),
    "uuid": (Kind.UUID, None),
    "json": (Kind.JSON, None),
    "jsonb": (Kind.JSON, None),
}
_READABLE = frozenset({"name", "citext", "inet", "cidr", "macaddr", "macaddr8", "xml", "interval"})
_MODIFIER_HEADER = 4
_MICROSECONDS = 6
_LONGEST_TEXT = 10_485_760
_LARGEST_PRECISION = 1000


def column_type(native: str, base: str, modifier: int, *, is_enum: bool = False) -> ColumnType:
    """A type as `format_type` writes it; `base` without modifier and without its domain."""
    if base in _PLAIN:
        kind, size = _PLAIN[base]
        return ColumnType(kind, native, size)
    if base in {"character varying", "character"}:
        size = modifier - _MODIFIER_HEADER if modifier >= 0 else None
        return ColumnType(Kind.TEXT, native, size, padded=base == "character")
    if base == "numeric":
        return ColumnType(Kind.DECIMAL, native, *_precision_and_scale(modifier))
    if base in {"time without time zone", "timestamp without time zone"}:
        return ColumnType(_moment(base), native, _digits(modifier))
    if base == "timestamp with time zone":
        return ColumnType(Kind.TIMESTAMP, native, _digits(modifier), zoned=True)
    readable = is_enum or base.split("(")[0] in _READABLE
    return ColumnType(Kind.NATIVE, native, readable=readable)


def _moment(base: str) -> Kind:
    return Kind.TIMESTAMP if base.startswith("timestamp") else Kind.TIME


def _precision_and_scale(modifier: int) -> tuple[int | None, int | None]:
    if modifier < 0:
        return None, None
    packed = modifier - _MODIFIER_HEADER
    return packed >> 16, ((packed & 0x7FF) ^ 1024) - 1024


def _digits(modifier: int) -> int:
    return modifier if modifier >= 0 else _MICROSECONDS


class PostgresqlTypes:
    """Text goes in as it is, apart from NUL, which PostgreSQL does not store."""

    dialect = "postgresql"
    enforced = True
    longest_name = 63

    def folded(self, name: str) -> str:
        return name

    def named(self, name: str) -> str:
        return name

    def decode(self, stored: ColumnType, wanted: ColumnType) -> tuple[ColumnFunction, ...]:  # noqa: ARG002
        return ()

    def blank(self, stored: ColumnType) -> str | None:  # noqa: ARG002 - every value is one
        return None

    def unstored(self, declared: ColumnType) -> str | None:  # noqa: ARG002 - every value is one
        return None

    def encode(self, declared: ColumnType) -> tuple[ColumnFunction, ...]:
        return (_without_nul,) if declared.kind in {Kind.TEXT, Kind.JSON} else ()

    def carrier(self, foreign: ColumnType) -> ColumnType | None:
        declaration = _declaration(foreign)
        if declaration is None:
            return None
        return ColumnType(
            foreign.kind, declaration, foreign.size, foreign.scale, foreign.zoned, foreign.padded
        )

    def literal(self, value: Constant) -> str:
        return expressions.literal(value)

    def identifier(self, name: str) -> str:
        return expressions.quote(name)

    def since(self, column: Column, mark: str, *, again: bool) -> str:
        sign = ">=" if again else ">"
        literal = f"{expressions.text_literal(mark)}::{column.type.native}"
        return f"{expressions.quote(column.name)} {sign} {literal}"

    def expression(self, coercion: Coercion, operand: str, wanted: ColumnType) -> str | None:
        return expressions.expression(coercion, operand, wanted)


def _declaration(foreign: ColumnType) -> str | None:
    match foreign.kind:
        case Kind.INTEGER:
            return _integer(foreign.size or 64)
        case Kind.FLOAT:
            return "real" if foreign.size == 32 else "double precision"
        case Kind.DECIMAL:
            return _numeric(foreign.size, foreign.scale or 0)
        case Kind.TEXT:
            return _characters(foreign)
        case Kind.TIME | Kind.TIMESTAMP:
            return _moment_declaration(foreign)
        case kind:
            return _DECLARATIONS.get(kind)


def _integer(bits: int) -> str:
    if bits <= 16:
        return "smallint"
    return "integer" if bits <= 32 else "bigint"


def _numeric(precision: int | None, scale: int) -> str:
    if precision is None or not 1 <= precision <= _LARGEST_PRECISION:
        return "numeric"
    return f"numeric({precision},{scale})"


def _characters(foreign: ColumnType) -> str:
    if foreign.size is None or not 1 <= foreign.size <= _LONGEST_TEXT:
        return "text"
    return f"character{'' if foreign.padded else ' varying'}({foreign.size})"


def _moment_declaration(foreign: ColumnType) -> str:
    digits = "" if foreign.size in {None, _MICROSECONDS} else f"({foreign.size})"
    return f"{foreign.kind.value}{digits} with{'' if foreign.zoned else 'out'} time zone"


_DECLARATIONS = {
    Kind.BOOLEAN: "boolean",
    Kind.BYTES: "bytea",
    Kind.DATE: "date",
    Kind.UUID: "uuid",
    Kind.JSON: "json",
}


def _without_nul(values: Sequence[Any]) -> Sequence[Any]:
    if "\0" not in "".join(filter(None, values)):
        return values
    row = next(row for row, value in enumerate(values) if value and "\0" in value)
    raise BadValue(row, "holds a NUL byte, which PostgreSQL does not store in text")


TYPES = PostgresqlTypes()
