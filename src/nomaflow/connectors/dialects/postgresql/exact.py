"""Which columns of two PostgreSQL databases may hand over values that nobody looks at.

Binary COPY compares no types, and `INSERT … SELECT` rounds and pads on its own. So each column's
type is traced in both catalogues down to the types that every server has; where the two differ,
the source casts, if the cast keeps every value or fails.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import RawCursor

from nomaflow.connectors.copies import Transfer, Unsuited
from nomaflow.connectors.dialects.postgresql.expressions import quote
from nomaflow.connectors.dialects.postgresql.session import siblings
from nomaflow.connectors.tables import Column, ColumnType, Kind, Query

_FIRST_OWN_OID: Final = 16384
_MEANS_AN_OID: Final = frozenset(
    {
        *("regproc", "regprocedure", "regoper", "regoperator", "regclass", "regtype"),
        *("regrole", "regnamespace", "regconfig", "regdictionary", "regcollation"),
    }
)
# Data, constraints, rights and types, features; and what a type's binary input calls an internal
# error, such as an empty tsquery.
REFUSED: Final = ("22", "23", "42", "0A", "XX000")
_TYPE = """
SELECT t.typname, t.typtype, t.typbasetype, t.typtypmod, t.typelem, t.typrelid,
       (SELECT rngsubtype FROM pg_range WHERE t.oid IN (rngtypid, rngmultitypid)),
       t.typcategory
FROM pg_type t WHERE t.oid = %s::oid
"""
_FIELDS = """
SELECT atttypid::int8, atttypmod FROM pg_attribute
WHERE attrelid = %s::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


class Declared(NamedTuple):
    """A column's type as the catalogue has it."""

    oid: int
    modifier: int


@dataclass(frozen=True)
class Forms:
    """The binary form of types of one database."""

    connection: psycopg.Connection[Any]

    def of(self, declared: Declared) -> tuple[Any, ...]:
        """Equal for two types whose values are the same bytes. Raises Unsuited."""
        if declared.oid < _FIRST_OWN_OID:
            return declared
        found = self.connection.execute(_TYPE, [declared.oid]).fetchone()
        if found is None:
            raise Unsuited(f"type {declared.oid} is unknown")
        name, kind, base, modifier, element, relation, subtype, category = found
        if kind == "d":
            return self.of(Declared(base, modifier))
        if kind in {"r", "m"}:
            return (kind, self.of(Declared(subtype, -1)))
        if kind == "c":
            fields = self.connection.execute(_FIELDS, [relation]).fetchall()
            return ("row", *(self.of(Declared(*field)) for field in fields))
        if category == "A":
            return ("array", self.of(Declared(element, -1)))
        return (kind, name)


@dataclass(frozen=True)
class Ends:
    """Both connections, and how SQL at the target refers to the stash; empty: there is none yet."""

    source: psycopg.Connection[Any]
    target: psycopg.Connection[Any]
    stash: str

    def casts(self, transfer: Transfer) -> list[str]:
        """A cast, mostly an empty one, for each column. Raises Unsuited naming a column."""
        ours = _described(self.source, transfer.query)
        theirs = _described(self.target, self._written(transfer.targets))
        columns = zip(transfer.sources, transfer.targets, ours, theirs, strict=True)
        return [self._cast(*column) for column in columns]

    @contextmanager
    def writers(self, number: int) -> Iterator[Sequence[psycopg.Connection[Any]]]:
        """Up to so many sessions that fill the stash: the target's, and siblings of it."""
        with siblings(self.target, 0 if self._is_private else number - 1) as others:
            yield [self.target, *others]

    @property
    def _is_private(self) -> bool:
        return self.stash.startswith('"pg_temp".')

    def into(self, transfer: Transfer) -> str:
        """The stash with the columns that are written."""
        return f"{self.stash} ({', '.join(quote(column.name) for column in transfer.targets)})"

    def _written(self, columns: Sequence[Column]) -> Query:
        if self.stash:
            return Query(f"SELECT {', '.join(quote(c.name) for c in columns)} FROM {self.stash}")  # noqa: S608 - quoted
        nulls = (f"NULL::{column.type.native} AS {quote(column.name)}" for column in columns)
        return Query(f"SELECT {', '.join(nulls)}")

    def _cast(self, source: Column, target: Column, ours: Declared, theirs: Declared) -> str:
        if source.type.native.removesuffix("[]") in _MEANS_AN_OID:
            raise Unsuited(f"column '{source.name}': {source.type.native} is a number of its own")
        if Forms(self.source).of(ours) == Forms(self.target).of(theirs):
            return ""
        cast = bridge(source.type, target.type)
        if cast is None:
            raise Unsuited(
                f"column '{source.name}': {source.type.native} and {target.type.native} differ"
            )
        return cast


def _described(connection: psycopg.Connection[Any], query: Query) -> list[Declared]:
    cursor = RawCursor(connection)
    cursor.execute(f"SELECT * FROM (\n{query.sql}\n) AS q LIMIT 0", query.params)  # noqa: S608
    result = cursor.pgresult
    assert result is not None  # noqa: S101 - a SELECT has a result
    return [Declared(result.ftype(n), result.fmod(n)) for n in range(result.nfields)]


def with_casts(query: Query, columns: Sequence[Column], casts: Sequence[str]) -> Query:
    """The query with its columns cast."""
    if not any(casts):
        return query
    names = [f"q.{quote(c.name)}{cast}" for c, cast in zip(columns, casts, strict=True)]
    return Query(f"SELECT {', '.join(names)} FROM (\n{query.sql}\n) AS q", query.params)  # noqa: S608


def bridge(source: ColumnType, target: ColumnType) -> str | None:
    """A cast that keeps every value or fails; an empty one where the bytes are the same.

    None: some value would be rounded, padded, cut or shifted.
    """
    if (source.kind, target.kind) in _SAFE_CASTS:
        return f"::{target.native}" if (target.scale or 0) >= 0 else None
    if source.kind is not target.kind or source.zoned is not target.zoned:
        return None
    if source.kind not in _WIDENED or source.padded is not target.padded:
        return None
    return "" if fits(source, target) else None


_SAFE_CASTS: Final = frozenset(
    {(Kind.INTEGER, Kind.INTEGER), (Kind.INTEGER, Kind.DECIMAL), (Kind.JSON, Kind.JSON)}
)
_WIDENED: Final = frozenset({Kind.TEXT, Kind.DECIMAL, Kind.TIME, Kind.TIMESTAMP})


def fits(source: ColumnType, target: ColumnType) -> bool:
    """Whether every value of the source's size fits the target's."""
    if target.size is None or source.size is None:
        return target.size is None
    places, room = source.scale or 0, target.scale or 0
    return places <= room and source.size - places <= target.size - room


@contextmanager
def refusals() -> Iterator[None]:
    """What the server does not take is Unsuited; a lost connection or a full disk passes."""
    try:
        yield
    except psycopg.Error as error:
        if (error.sqlstate or "").startswith(REFUSED):
            raise Unsuited(error.diag.message_primary or str(error)) from error
        raise
