"""Keeps a run's log below its cap: head and tail stay, one line says what was between them."""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate, pairwise, takewhile

from sqlalchemy import Connection, Select, delete, func, insert, select

from nomaflow.domain.run import LogLine, RunId
from nomaflow.history.chunks import chunk_row
from nomaflow.history.rows import AnyRow
from nomaflow.history.tables import job_logs

HEAD = 0.5
TAIL = 0.375
"""Shares of the cap; the rest is room for what comes before the next look."""


def cut_middle(connection: Connection, run_id: RunId, most_bytes: int, at: datetime) -> None:
    """Delete the middle of the log when it takes more than head and tail of `most_bytes`.

    The numbers of the deleted lines stay unused; the last of them is the line that says so.
    """
    chunks = connection.execute(_sizes(run_id)).all()
    if sum(chunk.size for chunk in chunks) <= (HEAD + TAIL) * most_bytes:
        return
    head = _within(_before_the_gap(chunks), HEAD * most_bytes)
    tail = _within(chunks[len(head) :][::-1], TAIL * most_bytes)[::-1]
    last_of_head = head[-1].last_seq if head else 0
    first_of_tail = tail[0].first_seq if tail else chunks[-1].last_seq + 1
    gone = first_of_tail - last_of_head - 1
    if gone > 1:
        _delete(connection, run_id, last_of_head, first_of_tail)
        line = LogLine(at, "WARNING", _wording(gone, most_bytes), seq=first_of_tail - 1)
        connection.execute(insert(job_logs).values(chunk_row(run_id, [line])))


def _sizes(run_id: RunId) -> Select[int, int, int]:
    logs = job_logs.c
    query = select(logs.first_seq, logs.last_seq, func.length(logs.lines).label("size"))
    return query.where(logs.run_id == run_id).order_by(logs.last_seq)


def _before_the_gap(chunks: Sequence[AnyRow]) -> Sequence[AnyRow]:
    """The head, once there is a gap behind it; else all chunks."""
    for count, (one, following) in enumerate(pairwise(chunks), 1):
        if following.first_seq > one.last_seq + 1:
            return chunks[:count]
    return chunks


def _within(chunks: Sequence[AnyRow], most_bytes: float) -> Sequence[AnyRow]:
    """As many of the first chunks as fit."""
    sums = accumulate(chunk.size for chunk in chunks)
    return chunks[: sum(1 for _ in takewhile(lambda total: total <= most_bytes, sums))]


def _delete(connection: Connection, run_id: RunId, after: int, before: int) -> None:
    logs = job_logs.c
    connection.execute(
        delete(job_logs).where(logs.run_id == run_id, logs.last_seq > after, logs.last_seq < before)
    )


def _wording(gone: int, most_bytes: int) -> str:
    return (
        f"{gone} lines were dropped here: the log of a run takes at most"
        f" {most_bytes / 2**20:g} MiB ([log] max_run_bytes)"
    )
