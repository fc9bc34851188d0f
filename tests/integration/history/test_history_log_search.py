"""Searching a log: filters, both ends, how many lines fit; compared with a plain list."""

from datetime import UTC, datetime
from itertools import product

import pytest
from tests.integration.history.history_builders import Desk

from nomaflow.domain.run import LogLine, RunId
from nomaflow.history.chunks import SEVERITY
from nomaflow.history.logs import LineFilter, LogHistory

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WORDS = ["plain", 'a "quoted" part', "back\\slash", "Ünï 🐦 CODE", "two\nlines", "percent % _"]


@pytest.fixture
async def logged(desk: Desk) -> tuple[LogHistory, RunId, list[LogLine]]:
    """A log of 1,800 lines in chunks of many sizes."""
    run_id = await desk.queued()
    logs = LogHistory(desk.database)
    levels = list(SEVERITY)
    lines = [
        LogLine(
            NOON,
            levels[number % 7 % 4],
            f"{WORDS[number % len(WORDS)]} {number}",
            step=("copy" if number % 3 else None),
            attempt=1,
        )
        for number in range(1800)
    ]
    stored: list[LogLine] = []
    for first, last in ((0, 1), (1, 60), (60, 1100), (1100, 1101), (1101, 1800)):
        stored += await desk.log(run_id, lines[first:last])
    return logs, run_id, stored


async def test_every_filter_finds_what_a_plain_list_would(
    logged: tuple[LogHistory, RunId, list[LogLine]],
) -> None:
    logs, run_id, stored = logged
    texts = ["", '"QUOTED"', "back\\sl", "ünï 🐦", "o\nl", "1799"]
    for text, level, step in product(texts, (None, "WARNING"), (None, "copy")):
        for after, before, limit in ((0, None, 10_000), (500, None, 7), (3, 1200, 100)):
            wanted = LineFilter(after, limit, level, step, before, text)  # type: ignore[arg-type]
            fitting = [line for line in stored if fits(line, text, level, step)]
            between = [
                line for line in fitting if line.seq > after and line.seq < (before or 10_000)
            ]
            tail = LineFilter(after, limit, level, step, before, text, is_tail=True)  # type: ignore[arg-type]

            assert await logs.find(run_id, wanted) == between[:limit], wanted
            assert await logs.find(run_id, tail) == between[-limit:], tail
            assert await logs.matches(run_id, wanted) == len(fitting), wanted


def fits(line: LogLine, text: str, level: str | None, step: str | None) -> bool:
    return (
        text.lower() in line.message.lower()
        and (step is None or line.step == step)
        and (level is None or SEVERITY[line.level] >= SEVERITY[level])  # type: ignore[index]
    )
