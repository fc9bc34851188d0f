"""The cap of a log: head and tail stay, and a line in between says what is gone."""

import random
import string

import pytest
from sqlalchemy import func, select
from tests.integration.history.history_builders import Desk

from nomaflow.domain.run import LogLine, Run
from nomaflow.history.changes import LinesAdded, LogCapped
from nomaflow.history.logs import LineFilter, LogHistory
from nomaflow.history.tables import job_logs

CAP = 100_000
PER_BATCH = 50


class Writer:
    """Writes lines that do not compress well, and holds the log against its cap."""

    def __init__(self, desk: Desk, run: Run) -> None:
        self._desk = desk
        self._run = run
        self._words = random.Random(7)
        self.seq = 0

    async def add(self, batches: int) -> None:
        for _ in range(batches):
            lines = [self._line() for _ in range(PER_BATCH)]
            capped = LogCapped(CAP, self._desk.clock.now())
            assert await self._desk.history.write(self._run.fence, LinesAdded(lines), capped)

    def _line(self) -> LogLine:
        self.seq += 1
        return a_line(self._desk, self.seq, self._words, size=200)


def a_line(desk: Desk, seq: int, words: random.Random, *, size: int) -> LogLine:
    noise = "".join(words.choices(string.printable[:90], k=size))
    return LogLine(desk.clock.now(), "INFO", f"line {seq} {noise}", seq=seq)


@pytest.fixture
async def run(desk: Desk) -> Run:
    return await desk.claimed()


@pytest.fixture
def logs(desk: Desk) -> LogHistory:
    return LogHistory(desk.database)


async def stored_bytes(desk: Desk) -> int:
    query = select(func.sum(func.length(job_logs.c.lines)))
    return await desk.database.read(lambda connection: connection.scalar(query) or 0)


async def everything(logs: LogHistory, run: Run, limit: int = 100) -> list[LogLine]:
    lines: list[LogLine] = []
    while page := await logs.read(run.id, after=lines[-1].seq if lines else 0, limit=limit):
        lines += page
    return lines


async def test_a_log_below_its_cap_is_kept_whole(desk: Desk, run: Run, logs: LogHistory) -> None:
    await Writer(desk, run).add(5)
    assert [line.seq for line in await everything(logs, run)] == list(range(1, 251))


async def test_past_the_cap_head_and_tail_are_kept_and_one_line_says_how_many_are_gone(
    desk: Desk, run: Run, logs: LogHistory
) -> None:
    writer = Writer(desk, run)
    await writer.add(60)
    assert await stored_bytes(desk) <= CAP
    lines = await everything(logs, run)
    [dropped] = [line for line in lines if "dropped" in line.message]
    at = lines.index(dropped)
    head, tail = lines[:at], lines[at + 1 :]
    assert [line.seq for line in head] == list(range(1, len(head) + 1))
    assert [line.seq for line in tail] == list(range(tail[0].seq, writer.seq + 1))
    assert dropped.seq == tail[0].seq - 1
    gone = writer.seq - len(head) - len(tail)
    assert dropped.message.startswith(f"{gone} lines were dropped here")
    assert dropped.level == "WARNING"
    assert len(head) >= 3 * PER_BATCH
    assert len(tail) >= 2 * PER_BATCH
    assert all(line.message.startswith(f"line {line.seq} ") for line in (*head, *tail))


async def test_the_head_stays_the_same_however_long_the_log_grows(
    desk: Desk, run: Run, logs: LogHistory
) -> None:
    writer = Writer(desk, run)
    await writer.add(30)
    first = await logs.read(run.id, limit=150)
    await writer.add(30)
    assert await logs.read(run.id, limit=150) == first
    assert sum("dropped" in line.message for line in await everything(logs, run)) == 1


async def test_pages_lead_over_the_gap_in_both_directions(
    desk: Desk, run: Run, logs: LogHistory
) -> None:
    await Writer(desk, run).add(60)
    forward = await everything(logs, run, limit=37)
    backward: list[LogLine] = []
    while page := await logs.find(
        run.id,
        LineFilter(limit=37, is_tail=True, before=backward[0].seq if backward else None),
    ):
        backward = [*page, *backward]
    assert backward == forward
    assert await logs.count(run.id) == len(forward)
    assert await logs.matches(run.id, LineFilter()) == len(forward)


async def test_a_log_of_one_chunk_that_is_too_large_leaves_the_line_that_says_so(
    desk: Desk, run: Run, logs: LogHistory
) -> None:
    lines = [a_line(desk, seq, random.Random(seq), size=1000) for seq in range(1, 401)]
    capped = LogCapped(CAP, desk.clock.now())
    assert await desk.history.write(run.fence, LinesAdded(lines), capped)
    [said] = await everything(logs, run)
    assert said.message.startswith("400 lines were dropped here")
    assert said.seq == 400
