"""Reads a table as CSV, by COPY."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import psycopg
from psycopg import RawCursor

from nomaflow.connectors.copies import Lines, SourceFailed, Transfer, Unsuited
from nomaflow.connectors.dialects.postgresql.exact import REFUSED
from nomaflow.connectors.dialects.postgresql.expressions import quote
from nomaflow.connectors.dialects.postgresql.literals import literal
from nomaflow.connectors.tables import Column, Kind

_ROWS_AT_ONCE: Final = 2000


@dataclass(frozen=True)
class PostgresqlCsv:
    """The source's own connection, whose statement a stop ends."""

    connection: psycopg.Connection[Any]

    def refuse(self, transfer: Transfer) -> None:
        """Every type has a text."""

    @contextmanager
    def opened(self, transfer: Transfer, null: str) -> Iterator[Iterator[Lines]]:
        fields = ", ".join(map(_field, transfer.sources))
        rows = literal(self.connection, transfer.query)
        select = f"SELECT {fields} FROM (\n{rows}\n) AS q"  # noqa: S608 - quoted
        copy = f"COPY ({select}) TO STDOUT (FORMAT csv, NULL '{null}')"
        with _failures(), RawCursor(self.connection).copy(copy) as found:
            yield _lines(iter(found))


def _lines(rows: Iterator[Any]) -> Iterator[Lines]:
    """The server sends each row by itself."""
    with _failures():
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            yield Lines(b"".join(some), len(some), {})


def _field(column: Column) -> str:
    name = f"q.{quote(column.name)}"
    if column.type.kind is Kind.BOOLEAN:
        return f"{name}::int"
    if column.type.kind is Kind.TIMESTAMP and column.type.zoned:
        return f"timezone('UTC', {name})"
    return name


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        if (error.sqlstate or "").startswith(REFUSED):
            raise Unsuited(error.diag.message_primary or str(error)) from error
        raise SourceFailed(error) from error
