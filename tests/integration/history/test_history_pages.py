"""Pages of runs: newest first, filtered, none skipped and none twice."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from random import Random

import pytest
from tests.integration.history.history_builders import DAY, MIDNIGHT, Desk, by_hand

from nomaflow.domain.job import JobId
from nomaflow.domain.run import Run, RunId
from nomaflow.domain.states import RunState
from nomaflow.errors import Refused
from nomaflow.history.runs import RunFilter
from nomaflow.history.text_search import runs_mentioning


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


REASONS = (None, None, "disk 100% full", "overlap: run 17", "Shutdown", "paused: disk")
STARTERS = ("cron", "cron", "user:Anna", "resume:17", "api:disk")
TEXTS = ("disk", "DISK", "0% f", "anna", "17", "n", "_", "cron", "job-1", "nowhere", "7")
STATES = (RunState.FAILED, RunState.SKIPPED, RunState.MISSED)


@pytest.mark.parametrize("one_by_one", [1, 7, 1000])
async def test_a_text_is_found_in_every_run_that_holds_it_and_in_no_other(
    desk: Desk, one_by_one: int
) -> None:
    chance = Random(20261122)  # the same history each time
    for _ in range(150):
        reason, by = chance.choice(REASONS), chance.choice(STARTERS)
        job, state = f"job-{chance.randrange(12)}", chance.choice(STATES)
        await desk.history.insert([by_hand(job, reason=reason, triggered_by=by, state=state)])
        desk.clock.step(chance.choice([-30, 0, 60, 60]))
    runs = (await desk.history.page(RunFilter(limit=1000))).runs
    find = partial(runs_mentioning, desk.database.store)
    for _ in range(60):
        wanted = a_filter(chance, runs)
        rows = await desk.database.read(
            lambda connection, wanted=wanted: find(connection, wanted, 20, one_by_one)
        )
        assert [row.id for row in rows] == [run.id for run in fitting_of(runs, wanted)][:20]


def a_filter(chance: Random, runs: Sequence[Run]) -> RunFilter:
    return RunFilter(
        job_id=JobId("job-3") if chance.random() < 0.2 else None,
        states=frozenset(chance.sample(STATES, chance.randrange(3))),
        since=chance.choice([None, runs[-30].created_at]),
        until=chance.choice([None, runs[40].created_at]),
        text=chance.choice(TEXTS),
    )


def fitting_of(runs: Sequence[Run], wanted: RunFilter) -> list[Run]:
    """The runs that fit, in the order of the pages, without a database."""
    fitting = [
        run
        for run in runs
        if (wanted.job_id is None or run.job_id == wanted.job_id)
        and (not wanted.states or run.state in wanted.states)
        and (wanted.since is None or run.created_at >= wanted.since)
        and (wanted.until is None or run.created_at < wanted.until)
        and (holds(run, wanted.text.lower()))
    ]
    in_window = wanted.job_id is None and (wanted.since or wanted.until)
    key = (lambda run: (run.created_at, run.id)) if in_window else (lambda run: (run.id,))
    return sorted(fitting, key=key, reverse=True)


def holds(run: Run, text: str) -> bool:
    places = (run.job_id, run.reason or "", run.triggered_by)
    return any(text in place.lower() for place in places) or text == str(run.id)


async def test_the_words_of_a_reason_are_those_of_a_headline(desk: Desk) -> None:
    await desk.history.insert([by_hand(reason="é" * 5000, state=RunState.FAILED)])

    [run] = (await desk.history.page(RunFilter(text="éé"))).runs

    assert run.reason == "é" * 599 + "…"


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
