"""The lane between two PostgreSQL databases: the bytes of a binary COPY, as they are.

Connections of its own read, through asyncpg, which hands over many rows at once; they share the
source's snapshot and are never pooled. Each of several partitions is written on a connection of
its own, too, where the stash is not that of one session.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

import psycopg

from nomaflow.connectors.copies import Load, Moved, OnCancel, SourceFailed, Transfer, Unsuited
from nomaflow.connectors.dialects.postgresql.exact import Ends, with_casts
from nomaflow.connectors.dialects.postgresql.filling import fill
from nomaflow.connectors.dialects.postgresql.literals import literal
from nomaflow.connectors.dialects.postgresql.readers import Address, Readers, exported_snapshot
from nomaflow.connectors.dialects.postgresql.session import side_by_side

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
    coerces: ClassVar[bool] = False

    def fit(self, transfer: Transfer) -> Load:
        casts = self.ends.casts(transfer)
        address = Address.of(self.ends.source)
        queries = [with_casts(part, transfer.sources, casts) for part in transfer.parts]

        def load(arrived: Callable[[int], None], on_cancel: OnCancel) -> Moved:
            texts = [literal(self.ends.source, query) for query in queries]
            with ExitStack() as stack:
                writers = stack.enter_context(self.ends.writers(len(texts)))
                parts = [texts[n :: len(writers)] for n in range(len(writers))]
                snapshot = exported_snapshot(self.ends.source)
                readers = [
                    stack.enter_context(closing(Readers(address, snapshot, part))) for part in parts
                ]
                streams = _Streams(self.ends, transfer, readers, writers)
                stack.enter_context(on_cancel(streams.stop))
                return streams.run(arrived)

        return load


@dataclass(frozen=True)
class _Streams:
    """As many streams as writers, each from readers of its own."""

    ends: Ends
    transfer: Transfer
    readers: Sequence[Readers]
    writers: Sequence[psycopg.Connection[Any]]

    def run(self, arrived: Callable[[int], None]) -> Moved:
        progress = _Progress(self.ends.source, self.readers, arrived)
        streams = [merged(readers) for readers in self.readers]
        streams[0] = progress.passing(streams[0])
        into = self.ends.into(self.transfer)
        frozen = self.ends.stash if len(streams) == 1 else None
        fills = [
            partial(fill, writer, into, stream, frozen=frozen)
            for writer, stream in zip(self.writers, streams, strict=True)
        ]
        sizes, rows = zip(*side_by_side(fills, self.stop), strict=True)
        progress.finish(sum(rows))
        read = sum(readers.rows for readers in self.readers)
        return Moved(read, sum(rows), sum(sizes), counted=True)

    def stop(self) -> None:
        """No more comes out of any stream; each ends with an error."""
        for readers in self.readers:
            readers.stop()


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
        self,
        source: psycopg.Connection[Any],
        readers: Sequence[Readers],
        arrived: Callable[[int], None],
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
            row = self._source.execute(
                _PROGRESS, [[pid for readers in self._readers for pid in readers.pids]]
            ).fetchone()
        except psycopg.Error as error:
            raise SourceFailed(error) from error
        read = int(row[1] or 0) if row else 0
        if read > self._rows:
            self._arrived(read - self._rows)
            self._rows = read
