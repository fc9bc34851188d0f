"""What may be done to a column's values on their way, whoever does it: a SELECT or ourselves."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import ClassVar, Final

from nomaflow.connectors.tables import ColumnType, Kind

Constant = bool | int | float | str | datetime | date

WHITE: Final = "".join(
    chr(code)
    for code in (
        *range(9, 14), *range(28, 33), 133, 160, 5760, *range(8192, 8203),
        8232, 8233, 8239, 8287, 12288,
    )
)  # fmt: skip
"""What Python strips."""

_DIGITS_OF_BITS = {8: 3, 16: 5, 24: 7, 32: 10, 64: 19}
_NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.TEXT, Kind.ANY})


@dataclass(frozen=True)
class Trimmed:
    """Text without blanks at its end, or, `both`, without white space at both ends."""

    stored: ColumnType
    both: bool = False

    @property
    def name(self) -> str:
        return "stripped" if self.both else "right-trimmed"

    @property
    def distinct(self) -> bool:
        return self.stored.padded and not self.both

    @property
    def wanted(self) -> ColumnType:
        return replace(self.stored, native="", padded=False)


@dataclass(frozen=True)
class WithoutNul:
    """Text without NUL characters."""

    stored: ColumnType
    name: ClassVar[str] = "NUL dropped"
    distinct: ClassVar[bool] = False

    @property
    def wanted(self) -> ColumnType:
        return replace(self.stored, native="")


@dataclass(frozen=True)
class Scaled:
    """A number whose last `places` digits are decimals; `truncated`: without any decimals."""

    stored: ColumnType
    places: int
    truncated: bool = False

    @property
    def name(self) -> str:
        return f"{self.places} decimals{', truncated' if self.truncated else ''}"

    @property
    def distinct(self) -> bool:
        return not self.truncated and self.stored.kind in {Kind.INTEGER, Kind.DECIMAL}

    @property
    def wanted(self) -> ColumnType:
        precision, scale = self._size()
        if precision is None:
            return ColumnType(Kind.DECIMAL, "")
        if self.truncated:
            return ColumnType(Kind.DECIMAL, "", max(precision - scale, 1), 0)
        return ColumnType(Kind.DECIMAL, "", precision, scale)

    def _size(self) -> tuple[int | None, int]:
        """Precision and scale of what comes out, before it is truncated."""
        if self.stored.kind is Kind.INTEGER:
            return max(_DIGITS_OF_BITS[self.stored.size or 64], self.places), self.places
        if self.stored.kind is not Kind.DECIMAL or self.stored.size is None:
            return None, 0
        scale = (self.stored.scale or 0) + self.places
        return max(self.stored.size, scale), scale


@dataclass(frozen=True)
class JulianDate:
    """The date that a number CYYDDD means: years since 1900, day of the year; 0 means none."""

    stored: ColumnType
    name: ClassVar[str] = "Julian date"
    distinct: ClassVar[bool] = False

    @property
    def wanted(self) -> ColumnType:
        return ColumnType(Kind.DATE, "")


Coercion = Trimmed | WithoutNul | Scaled | JulianDate
"""One change of a column's values.

`stored` is the type that it finds, `wanted` the one that comes out, its `native` wording left to
the dialect; `name` is what the receipt calls it; `distinct` says whether values that differ before
differ after it.
"""


def is_numeric(column: ColumnType) -> bool:
    """Whether it can hold numbers, also spelled as text."""
    return column.kind in _NUMBERS


def type_of(value: Constant) -> ColumnType:
    """The type of a constant, its `native` wording left to the dialect."""
    for kind, found in _KINDS.items():
        if isinstance(value, kind):
            zoned = isinstance(value, datetime) and value.tzinfo is not None
            return replace(found, zoned=zoned)
    raise AssertionError(f"no constant: {value!r}")


_KINDS = {
    bool: ColumnType(Kind.BOOLEAN, ""),
    int: ColumnType(Kind.INTEGER, "", 64),
    float: ColumnType(Kind.FLOAT, "", 64),
    str: ColumnType(Kind.TEXT, ""),
    datetime: ColumnType(Kind.TIMESTAMP, "", 6),
    date: ColumnType(Kind.DATE, ""),
}
