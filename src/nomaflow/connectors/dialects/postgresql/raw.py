"""The lane between two PostgreSQL databases: the bytes of a binary COPY, as they are.

Connections of its own read, through asyncpg, which hands over many rows at once; they share the
source's snapshot and are never pooled. The target is written on its one connection, so that the
rows are in its one transaction.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import psycopg
from psycopg import RawCursor, sql

from nomaflow.connectors.copies import Load, Moved, OnCancel, SourceFailed, Transfer, Unsuited
from nomaflow.connectors.dialects.postgresql.exact import Ends, refusals, with_casts
from nomaflow.connectors.dialects.postgresql.readers import Address, Readers
from nomaflow.connectors.statement import inlined
from nomaflow.connectors.tables import Query

_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_LOOK_EVERY_BYTES: Final = 8 * 1024 * 1024
_TELLS_PROGRESS: Final = 140_000
_PROGRESS = """
SELECT pg_stat_clear_snapshot()::text, sum(tuples_processed) FROM pg_stat_progress_copy
WHERE pid = ANY(%s)
"""


@dataclass(frozen=True)
class Raw:
    """For columns whose values are the same bytes on both sides, if need be after a cast."""

    ends: Ends
    lane: ClassVar[str] = "raw"

    def fit(self, transfer: Transfer) -> Load:
        casts = self.ends.casts(transfer)
        address = Address.of(self.ends.source)
        queries = [with_casts(part, transfer.sources, casts) for part in transfer.parts]

        def load(arrived: Callable[[int], None], on_cancel: OnCancel) -> Moved:
            texts = [literal(self.ends.source, query) for query in queries]
            readers = Readers(address, self._snapshot(), texts)
            with closing(readers), on_cancel(readers.stop):
                progress = _Progress(self.ends.source, readers, arrived)
                size, written = self._write(transfer, progress.passing(merged(readers)))
            progress.finish(written)
            return Moved(readers.rows, written, size)

        return load

    def _snapshot(self) -> str:
        row = self.ends.source.execute("SELECT pg_export_snapshot()").fetchone()
        return str(row[0]) if row else ""

    def _write(self, transfer: Transfer, chunks: Iterator[bytes]) -> tuple[int, int]:
        cursor = RawCursor(self.ends.target)
        sql = f"COPY {self.ends.into(transfer)} FROM STDIN (FORMAT binary)"
        size = 0
        with refusals(), cursor.copy(sql) as copy:
            for chunk in chunks:
                copy.write(chunk)
                size += len(chunk)
        return size, cursor.rowcount


def literal(connection: psycopg.Connection[Any], query: Query) -> str:
    """The query with its parameters written into it: COPY takes none."""
    values = [sql.Literal(value).as_string(connection) for value in query.params]
    return inlined(query.sql, values) if values else query.sql


def merged(readers: Readers) -> Iterator[bytes]:
    """One binary COPY of several: a header, every row, a trailer. Raises SourceFailed.

    A COPY without its trailer would be taken for a short table.
    """
    yield _HEADER
    waiting: dict[int, bytes] = {}
    for number, chunk in readers.chunks():
        if number in waiting:
            yield waiting[number]
            waiting[number] = chunk
        elif chunk.startswith(_HEADER):
            waiting[number] = chunk[len(_HEADER) :]
        else:
            raise Unsuited("the source's binary COPY has an unknown header")
    if any(not last.endswith(_TRAILER) for last in waiting.values()):
        raise SourceFailed(psycopg.OperationalError("the stream of the source broke off"))
    for last in waiting.values():
        yield last[: -len(_TRAILER)]
    yield _TRAILER


class _Progress:
    """Looks at how far the readers are, now and then, on the source's own connection."""

    def __init__(
        self, source: psycopg.Connection[Any], readers: Readers, arrived: Callable[[int], None]
    ) -> None:
        self._source = source
        self._readers = readers
        self._arrived = arrived
        self._rows = 0
        self._can_look = source.info.server_version >= _TELLS_PROGRESS

    def passing(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks."""
        unseen = 0
        for chunk in chunks:
            yield chunk
            unseen += len(chunk)
            if unseen >= _LOOK_EVERY_BYTES and self._can_look:
                unseen = 0
                self._look()

    def finish(self, rows: int) -> None:
        """So many it were in the end."""
        if rows > self._rows:
            self._arrived(rows - self._rows)

    def _look(self) -> None:
        try:
            row = self._source.execute(_PROGRESS, [self._readers.pids]).fetchone()
        except psycopg.Error as error:
            raise SourceFailed(error) from error
        read = int(row[1] or 0) if row else 0
        if read > self._rows:
            self._arrived(read - self._rows)
            self._rows = read
