"""Reads a table as CSV, by COPY.

A connection of its own reads, in the source's snapshot, as in the lane of raw bytes.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from nomaflow.connectors.copies import Lines, OnCancel, SourceFailed, Transfer
from nomaflow.connectors.dialects.postgresql.expressions import quote
from nomaflow.connectors.dialects.postgresql.literals import literal
from nomaflow.connectors.dialects.postgresql.readers import Address, Readers, exported_snapshot
from nomaflow.connectors.tables import Column, Kind


@dataclass(frozen=True)
class PostgresqlCsv:
    """`connection` holds the snapshot."""

    connection: psycopg.Connection[Any]

    def refuse(self, transfer: Transfer) -> None:  # noqa: ARG002 - every type has a text
        """Raises Unsuited where no other connection can be opened alike."""
        Address.of(self.connection)

    @contextmanager
    def opened(
        self, transfer: Transfer, null: str, on_cancel: OnCancel
    ) -> Iterator[Iterator[Lines]]:
        fields = ", ".join(map(_field, transfer.sources))
        rows = literal(self.connection, transfer.query)
        select = f"SELECT {fields} FROM (\n{rows}\n) AS q"  # noqa: S608 - quoted
        address, snapshot = Address.of(self.connection), exported_snapshot(self.connection)
        readers = Readers(address, snapshot, [select], csv_null=null)
        with closing(readers), on_cancel(readers.stop):
            yield _lines(readers)


def _lines(readers: Readers) -> Iterator[Lines]:
    read = 0
    for _, chunk in readers.chunks():
        rows = _rows(chunk)
        yield Lines(chunk, rows, {})
        read += rows
    if read != readers.rows:
        raise SourceFailed(psycopg.OperationalError("the stream of the source broke off"))


def _rows(chunk: bytes) -> int:
    """Ends of lines outside of quotes."""
    if b'"' not in chunk:
        return chunk.count(b"\n")
    return sum(part.count(b"\n") for part in chunk.split(b'"')[::2])


def _field(column: Column) -> str:
    name = f"q.{quote(column.name)}"
    if column.type.kind is Kind.BOOLEAN:
        return f"{name}::int"
    if column.type.kind is Kind.TIMESTAMP and column.type.zoned:
        return f"timezone('UTC', {name})"
    return name
