"""Logs: numbered without a gap, kept small, read in part."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from tests.integration.history.history_builders import Desk

from nomaflow.domain.run import LogLine, RunId
from nomaflow.errors import NotFound
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


async def _chunks(desk: Desk, run_id: RunId) -> Sequence[int]:
    query = select(job_logs.c.line_count).where(job_logs.c.run_id == run_id)
    query = query.order_by(job_logs.c.last_seq)
    return await desk.database.read(lambda connection: connection.scalars(query).all())


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
    stored = await logs.append(run_id, lines)
    assert stored == [replace(each, seq=seq) for seq, each in enumerate(lines, 1)]
    assert await logs.read(run_id) == stored


async def test_characters_that_no_store_takes_are_replaced(desk: Desk, logs: LogHistory) -> None:
    run_id = await desk.queued()
    [stored] = await logs.append(run_id, [line(1, message="a\0b\ud800c")])
    assert stored.message == "a?b?c"
    assert await logs.read(run_id) == [stored]


async def test_numbers_go_on_and_ranges_are_exact(desk: Desk, logs: LogHistory) -> None:
    run_id = await desk.queued()
    for size in (1, 3, 700, 499, 500, 1):
        await logs.append(run_id, [line(number) for number in range(size)])
    assert await logs.count(run_id) == 1704
    for after, limit in [(0, 1), (3, 4), (499, 2), (703, 500), (1700, 1000), (1704, 5)]:
        found = [each.seq for each in await logs.read(run_id, after=after, limit=limit)]
        assert found == list(range(after + 1, min(after + limit, 1704) + 1))
    assert [each.seq for each in await logs.tail(run_id, 3)] == [1702, 1703, 1704]
    assert len(await logs.tail(run_id, 5000)) == 1704


async def test_a_level_leaves_out_what_is_less_severe(desk: Desk, logs: LogHistory) -> None:
    run_id = await desk.queued()
    await logs.append(run_id, [line(number) for number in range(600)])
    await logs.append(run_id, [line(1, level="WARNING"), line(2, level="DEBUG")])
    await logs.append(run_id, [line(3, level="ERROR")])
    severe = await logs.read(run_id, level="WARNING")
    assert [(each.seq, each.level) for each in severe] == [(601, "WARNING"), (603, "ERROR")]
    assert len(await logs.read(run_id, level="INFO", limit=10_000)) == 602


async def test_the_lines_of_one_step_can_be_read_alone(desk: Desk, logs: LogHistory) -> None:
    run_id = await desk.queued()
    await logs.append(run_id, [line(1, step=None), line(2), line(3, step="check"), line(4)])
    await logs.append(run_id, [line(5, step="check", level="ERROR")])
    assert [each.seq for each in await logs.read(run_id, step="check")] == [3, 5]
    assert [each.seq for each in await logs.read(run_id, step="check", after=3)] == [5]
    assert [each.seq for each in await logs.read(run_id, step="check", limit=1)] == [3]
    assert [each.seq for each in await logs.read(run_id, step="check", level="ERROR")] == [5]
    assert await logs.read(run_id, step="no such step") == []


async def test_sealing_merges_small_chunks_and_changes_no_line(
    desk: Desk, logs: LogHistory
) -> None:
    run_id = await desk.queued()
    for size in (500, 1, 2, 3, 480, 100, 500, 7):
        await logs.append(run_id, [line(number) for number in range(size)])
    before = await logs.read(run_id, limit=10_000)
    await logs.seal(run_id)
    assert await _chunks(desk, run_id) == [500, 486, 100, 500, 7]
    assert await logs.read(run_id, limit=10_000) == before
    await logs.seal(run_id)
    assert await _chunks(desk, run_id) == [500, 486, 100, 500, 7]


async def test_runs_do_not_see_each_others_lines(desk: Desk, logs: LogHistory) -> None:
    one, two = await desk.queued(), await desk.queued()
    await logs.append(one, [line(1)])
    assert await logs.read(two) == []
    assert (await logs.count(one), await logs.count(two)) == (1, 0)


async def test_a_log_of_a_deleted_run_is_not_found(logs: LogHistory) -> None:
    with pytest.raises(NotFound, match="There is no run 99"):
        await logs.append(RunId(99), [line(1)])
    assert await logs.append(RunId(99), []) == []
    assert await logs.read(RunId(99)) == []


async def test_two_processes_append_to_one_run_without_a_gap(
    desk: Desk, logs: LogHistory, store_url: str
) -> None:
    run_id = await desk.queued()
    other = Database.open(store_url)

    async def append_all(history: LogHistory, word: str) -> list[int]:
        numbers = []
        for number in range(25):
            lines = [line(number, message=f"{word} {number}.{part}") for part in range(3)]
            numbers += [each.seq for each in await history.append(run_id, lines)]
        return numbers

    both = await asyncio.gather(append_all(logs, "one"), append_all(LogHistory(other), "two"))
    assert all(numbers == sorted(numbers) for numbers in both)
    assert sorted(both[0] + both[1]) == list(range(1, 151))
    stored = await logs.read(run_id)
    assert [each.seq for each in stored] == list(range(1, 151))
    for word in ("one", "two"):
        said = [each.message for each in stored if each.message.startswith(word)]
        assert said == [f"{word} {number}.{part}" for number in range(25) for part in range(3)]
    await other.close()


async def test_a_long_log_is_kept_small(desk: Desk, logs: LogHistory) -> None:
    run_id = await desk.queued()
    lines = [line(number) for number in range(20_000)]
    await logs.append(run_id, lines)
    query = select(func.sum(func.length(job_logs.c.lines)))
    stored = await desk.database.read(lambda connection: connection.scalar(query))
    raw = sum(len(f"{each.at} {each.level} {each.step} {each.message}\n") for each in lines)
    assert stored <= 0.35 * raw
