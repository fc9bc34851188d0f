"""The logs of the runs: compressed chunks of lines, numbered from 1.

The one gap that the numbers may have is what a cap took out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice, takewhile

from sqlalchemy import Connection, func, select

from nomaflow.domain.job import LogLevel
from nomaflow.domain.run import LogLine, RunId
from nomaflow.history.chunks import SEVERITY, mentions, unpack
from nomaflow.history.database import Database
from nomaflow.history.rows import AnyRow
from nomaflow.history.tables import job_logs

CHUNKS_PER_QUERY = 16


class LogHistory:
    """Lines that are stored; what was not flushed yet is not here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(
        self,
        run_id: RunId,
        *,
        after: int = 0,
        limit: int = 1000,
        level: LogLevel | None = None,
        step: str | None = None,
    ) -> list[LogLine]:
        """Up to `limit` lines with a number above `after`, in order.

        `level` leaves out what is less severe; `step` keeps the lines of that step alone.
        """
        return await self.find(run_id, LineFilter(after, limit, level, step))

    async def tail(self, run_id: RunId, limit: int = 1000) -> list[LogLine]:
        """The last `limit` lines, in order."""
        return await self.find(run_id, LineFilter(limit=limit, is_tail=True))

    async def find(self, run_id: RunId, wanted: "LineFilter") -> list[LogLine]:
        """The wanted lines, in order."""
        return await self._database.read(lambda connection: _read(connection, run_id, wanted))

    async def matches(self, run_id: RunId, wanted: "LineFilter") -> int:
        """How many lines of the whole log fit level, step and text."""
        whole = replace(wanted, after=0, before=None, limit=0)
        return await self._database.read(lambda connection: _matches(connection, run_id, whole))

    async def count(self, run_id: RunId) -> int:
        """How many lines are stored."""
        return await self._database.read(lambda connection: _line_count(connection, run_id))


@dataclass(frozen=True)
class LineFilter:
    """Which lines: with a number above `after` and below `before`, at most `limit` of them.

    `level` leaves out what is less severe, `step` keeps the lines of that step, `text` those that
    hold it, in any case. `is_tail`: the last ones of them, not the first.
    """

    after: int = 0
    limit: int = 1000
    level: LogLevel | None = None
    step: str | None = None
    before: int | None = None
    text: str = ""
    is_tail: bool = False

    @property
    def takes_all(self) -> bool:
        return self.level is None and self.step is None and not self.text

    def takes(self, line: LogLine) -> bool:
        return (
            (self.before is None or line.seq < self.before)
            and (self.level is None or SEVERITY[line.level] >= SEVERITY[self.level])
            and (self.step is None or line.step == self.step)
            and (not self.text or self.text.lower() in line.message.lower())
        )


def _read(connection: Connection, run_id: RunId, wanted: LineFilter) -> list[LogLine]:
    if wanted.is_tail:
        return _tail(connection, run_id, wanted)
    places = _places(connection, run_id, wanted)
    return list(islice(_taken(connection, run_id, wanted, places), wanted.limit))


def _tail(connection: Connection, run_id: RunId, wanted: LineFilter) -> list[LogLine]:
    places = _places(connection, run_id, wanted)
    found: list[LogLine] = []
    while places and len(found) < wanted.limit:
        portion = _portion(places, wanted.limit - len(found))
        last_places = places[-portion:]
        del places[-portion:]
        found = [*_taken(connection, run_id, wanted, last_places), *found]
    return found[-wanted.limit :]


def _portion(places: Sequence[AnyRow], lines: int) -> int:
    """How many of the last chunks hold so many lines, if each line of them is wanted."""
    sums = accumulate(place.line_count for place in reversed(places))
    return min(CHUNKS_PER_QUERY, 1 + sum(1 for _ in takewhile(lambda total: total < lines, sums)))


def _matches(connection: Connection, run_id: RunId, wanted: LineFilter) -> int:
    if wanted.takes_all:
        return _line_count(connection, run_id)
    places = _places(connection, run_id, wanted)
    return sum(1 for _ in _taken(connection, run_id, wanted, places))


def _places(connection: Connection, run_id: RunId, wanted: LineFilter) -> list[AnyRow]:
    """The chunks that may hold wanted lines; without a filter, each holds one at least."""
    logs = job_logs.c
    query = select(logs.last_seq, logs.line_count, logs.steps).where(
        logs.run_id == run_id, logs.last_seq > wanted.after
    )
    if wanted.before is not None:
        query = query.where(logs.first_seq < wanted.before)
    if wanted.level is not None:
        query = query.where(logs.worst_level >= SEVERITY[wanted.level])
    if wanted.takes_all:
        query = query.limit(wanted.limit)
    query = query.order_by(logs.last_seq.desc() if wanted.is_tail else logs.last_seq)
    places = sorted(connection.execute(query).all(), key=lambda place: place.last_seq)
    return [place for place in places if wanted.step is None or wanted.step in place.steps]


def _taken(
    connection: Connection, run_id: RunId, wanted: LineFilter, places: Sequence[AnyRow]
) -> Iterator[LogLine]:
    return filter(wanted.takes, _lines(connection, run_id, wanted, places))


def _lines(
    connection: Connection, run_id: RunId, wanted: LineFilter, places: Sequence[AnyRow]
) -> Iterator[LogLine]:
    """The lines of those chunks, fetched a few chunks at a time as they are asked for."""
    logs = job_logs.c
    for start in range(0, len(places), CHUNKS_PER_QUERY):
        keys = [place.last_seq for place in places[start : start + CHUNKS_PER_QUERY]]
        query = select(logs.first_seq, logs.lines).where(
            logs.run_id == run_id, logs.last_seq.in_(keys)
        )
        for chunk in connection.execute(query.order_by(logs.last_seq)).all():
            if mentions(chunk.lines, wanted.text):
                yield from unpack(chunk.lines, chunk.first_seq, after=wanted.after)


def _line_count(connection: Connection, run_id: RunId) -> int:
    query = select(func.sum(job_logs.c.line_count)).where(job_logs.c.run_id == run_id)
    return int(connection.scalar(query) or 0)
