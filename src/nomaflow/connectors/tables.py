"""What a database says about a table, in words that every dialect shares.

Between two databases a value travels in the canonical form of its kind:

    INTEGER  int                       DATE       "2026-03-29"
    DECIMAL  "-12.50" ("NaN")          TIME       "02:30:00.5"
    FLOAT    float                     TIMESTAMP  "2026-03-29 02:30:00.5", with "+00" when zoned
    BOOLEAN  bool                      UUID       "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    TEXT     str                       JSON       str
    BYTES    bytes                     NATIVE     the database's own text form
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a column holds. ANY: each value says for itself; NATIVE: no other database has it."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "floating point"
    BOOLEAN = "boolean"
    TEXT = "text"
    BYTES = "binary"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    UUID = "uuid"
    JSON = "json"
    ANY = "untyped"
    NATIVE = "native"


_LARGEST = {Kind.INTEGER: 64, Kind.FLOAT: 64, Kind.TIME: 6, Kind.TIMESTAMP: 6}


@dataclass(frozen=True)
class ColumnType:
    """A declared type. `native` is the database's own wording, e.g. `numeric(10,2)`.

    `size` is the bits of an INTEGER or FLOAT, the precision of a DECIMAL, the characters of a
    TEXT, the fractional digits of a TIME or TIMESTAMP; None: no limit. `padded`: blanks fill a TEXT
    up to its size. `readable`: the text form of a NATIVE value means the same elsewhere.
    """

    kind: Kind
    native: str
    size: int | None = None
    scale: int | None = None
    zoned: bool = False
    padded: bool = False
    readable: bool = False

    def unlimited(self) -> "ColumnType":
        """The type as a database sees it that does not enforce sizes."""
        return replace(self, size=_LARGEST.get(self.kind), scale=None)


@dataclass(frozen=True)
class Column:
    """A column. `generated`: the database computes it; `optional`: an insert may leave it out.

    `expression`: what a SELECT computes it from, in SQL over the stored row; None: it is stored.
    """

    name: str
    type: ColumnType
    nullable: bool = True
    generated: bool = False
    optional: bool = True
    expression: str | None = None


@dataclass(frozen=True)
class TableName:
    """Where a table lives; `schema` None: the database has none, or its default one."""

    table: str
    schema: str | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}" if self.schema else self.table


@dataclass(frozen=True)
class Table:
    """Facts of a table, a view or a query.

    `unique_keys` are the column lists that a unique index covers, the primary key not included.
    `referenced`: enforced foreign keys of other tables point here. `writable`: it is no view.
    `identity` is equal for two names of one table, also through different pools.
    """

    name: TableName
    columns: Sequence[Column]
    primary_key: tuple[str, ...] = ()
    unique_keys: tuple[tuple[str, ...], ...] = ()
    writable: bool = True
    referenced: bool = False
    identity: Hashable = None

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """The primary key, if any, then the unique keys."""
        return (self.primary_key, *self.unique_keys) if self.primary_key else self.unique_keys


@dataclass(frozen=True)
class Query:
    """A SELECT in the driver's own parameter style; `params` as the driver takes them."""

    sql: str
    params: Any = ()


Row = tuple[Any, ...]
Rows = list[Row]
