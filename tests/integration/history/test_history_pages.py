"""Pages of runs: newest first, filtered, none skipped and none twice."""

from base64 import urlsafe_b64encode
from datetime import datetime

import pytest
from tests.integration.history.history_builders import DAY, MIDNIGHT, Desk, by_hand

from nomaflow.domain.job import JobId
from nomaflow.domain.run import RunId
from nomaflow.domain.states import RunState
from nomaflow.errors import Refused
from nomaflow.history.runs import RunFilter


async def _ids(desk: Desk, wanted: RunFilter) -> list[RunId]:
    return [run.id for run in (await desk.history.page(wanted)).runs]


@pytest.mark.parametrize("since", [None, MIDNIGHT - 365 * DAY])
async def test_pages_show_each_run_once_while_new_ones_come_in(
    desk: Desk, since: datetime | None
) -> None:
    old = []
    for number in range(23):
        old += await desk.history.insert([by_hand(f"job{number}")])
        desk.clock.step(number % 3)
    seen: list[RunId] = []
    cursor = None
    while True:
        page = await desk.history.page(RunFilter(since=since, limit=5, cursor=cursor))
        seen += [run.id for run in page.runs]
        if (cursor := page.next_cursor) is None:
            break
        await desk.history.insert([by_hand("newcomer")])
    assert seen == sorted((run_id for run_id in old if run_id), reverse=True)


async def test_a_full_last_page_has_no_next_one(desk: Desk) -> None:
    await desk.history.insert([by_hand()] * 4)
    first = await desk.history.page(RunFilter(limit=2))
    last = await desk.history.page(RunFilter(limit=2, cursor=first.next_cursor))
    assert first.next_cursor is not None
    assert (len(last.runs), last.next_cursor) == (2, None)


async def test_filters_narrow_the_pages_together(desk: Desk) -> None:
    missed = by_hand("a", state=RunState.MISSED)
    await desk.history.insert([by_hand("a"), by_hand("b"), missed])
    assert await _ids(desk, RunFilter(job_id=JobId("a"))) == [3, 1]
    assert await _ids(desk, RunFilter(states=frozenset({RunState.QUEUED}))) == [2, 1]
    both = RunFilter(job_id=JobId("a"), states=frozenset({RunState.MISSED, RunState.FAILED}))
    assert await _ids(desk, both) == [3]


async def test_since_is_included_and_until_is_not(desk: Desk) -> None:
    instants = []
    for _ in range(3):
        instants.append(desk.clock.now())
        await desk.queued()
        desk.clock.step(60)
    assert await _ids(desk, RunFilter(since=instants[1])) == [3, 2]
    assert await _ids(desk, RunFilter(until=instants[1])) == [1]
    assert await _ids(desk, RunFilter(since=instants[1], until=instants[2])) == [2]


async def test_text_is_found_in_job_reason_trigger_and_id(desk: Desk) -> None:
    await desk.history.insert(
        [
            by_hand("nightly-refresh"),
            by_hand("b", reason="disk 100% full", state=RunState.FAILED),
            by_hand("c", triggered_by="user:anna"),
        ]
    )
    found = {text: await _ids(desk, RunFilter(text=text)) for text in ("REFRESH", "0% f", "_", "2")}
    assert found == {"REFRESH": [1], "0% f": [2], "_": [], "2": [2]}
    assert await _ids(desk, RunFilter(text="User:Anna")) == [3]
    assert await _ids(desk, RunFilter(text="9" * 40)) == []


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "MTI=",
        urlsafe_b64encode(b"not a cursor").decode(),
        urlsafe_b64encode(b"2026-03-01T00:00:00 5").decode(),
        urlsafe_b64encode(b"2026-03-01T00:00:00+00:00 five").decode(),
    ],
)
async def test_a_cursor_of_another_list_is_refused(desk: Desk, cursor: str) -> None:
    with pytest.raises(Refused, match="not a cursor of this list"):
        await desk.history.page(RunFilter(cursor=cursor))
