"""Logs: numbered without a gap, kept small, read in part."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from tests.integration.history.history_builders import Desk

from nomaflow.domain.run import LogLine, RunId
from nomaflow.history.database import Database
from nomaflow.history.logs import LogHistory
from nomaflow.history.tables import job_logs

START = datetime(2026, 3, 1, 2, 0, 0, 123_456, tzinfo=UTC)


def line(number: int, **changes: object) -> LogLine:
    at = START + timedelta(milliseconds=7 * number)
    message = f"▶ batch {number} of 4 700 · {number * 10_000} rows"
    return replace(LogLine(at, "INFO", message, step="copy-orders", attempt=1), **changes)


@pytest.fixture
def logs(database: Database) -> LogHistory:
    return LogHistory(database)


async def test_lines_come_back_as_they_were_with_their_numbers(
    desk: Desk, logs: LogHistory
) -> None:
    run_id = await desk.queued()
    lines = [
        line(1),
        line(2, level="WARNING", step=None, attempt=None),
        line(3, level="ERROR", source="stdout", message='two\nlines, "quoted" \t é 🎉 \\ ]'),
        line(4, message=""),
    ]
    stored = await desk.log(run_id, lines)
    assert stored == [replace(each, seq=seq) for seq, each in enumerate(lines, 1)]
    assert await logs.read(run_id) == stored


async def test_numbers_go_on_and_ranges_are_exact(desk: Desk, logs: LogHistory) -> None:
    run_id = await desk.queued()
    for size in (1, 3, 700, 499, 500, 1):
        await desk.log(run_id, [line(number) for number in range(size)])
    assert await logs.count(run_id) == 1704
    for after, limit in [(0, 1), (3, 4), (499, 2), (703, 500), (1700, 1000), (1704, 5)]:
        found = [each.seq for each in await logs.read(run_id, after=after, limit=limit)]
        assert found == list(range(after + 1, min(after + limit, 1704) + 1))
    assert [each.seq for each in await logs.tail(run_id, 3)] == [1702, 1703, 1704]
    assert len(await logs.tail(run_id, 5000)) == 1704


async def test_a_level_leaves_out_what_is_less_severe(desk: Desk, logs: LogHistory) -> None:
    run_id = await desk.queued()
    await desk.log(run_id, [line(number) for number in range(600)])
    await desk.log(run_id, [line(1, level="WARNING"), line(2, level="DEBUG")])
    await desk.log(run_id, [line(3, level="ERROR")])
    severe = await logs.read(run_id, level="WARNING")
    assert [(each.seq, each.level) for each in severe] == [(601, "WARNING"), (603, "ERROR")]
    assert len(await logs.read(run_id, level="INFO", limit=10_000)) == 602


async def test_the_lines_of_one_step_can_be_read_alone(desk: Desk, logs: LogHistory) -> None:
    run_id = await desk.queued()
    await desk.log(run_id, [line(1, step=None), line(2), line(3, step="check"), line(4)])
    await desk.log(run_id, [line(5, step="check", level="ERROR")])
    assert [each.seq for each in await logs.read(run_id, step="check")] == [3, 5]
    assert [each.seq for each in await logs.read(run_id, step="check", after=3)] == [5]
    assert [each.seq for each in await logs.read(run_id, step="check", limit=1)] == [3]
    assert [each.seq for each in await logs.read(run_id, step="check", level="ERROR")] == [5]
    assert await logs.read(run_id, step="no such step") == []


async def test_a_run_that_is_not_there_has_no_lines(logs: LogHistory) -> None:
    assert await logs.read(RunId(99)) == []


async def test_runs_do_not_see_each_others_lines(desk: Desk, logs: LogHistory) -> None:
    one, two = await desk.queued(), await desk.queued()
    await desk.log(one, [line(1)])
    assert await logs.read(two) == []
    assert (await logs.count(one), await logs.count(two)) == (1, 0)


async def test_a_long_log_is_kept_small(desk: Desk, logs: LogHistory) -> None:
    run_id = await desk.queued()
    lines = [line(number) for number in range(20_000)]
    await desk.log(run_id, lines)
    query = select(func.sum(func.length(job_logs.c.lines)))
    stored = await desk.database.read(lambda connection: connection.scalar(query))
    raw = sum(len(f"{each.at} {each.level} {each.step} {each.message}\n") for each in lines)
    assert stored <= 0.35 * raw
