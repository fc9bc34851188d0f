"""A global pause, from the command line and over HTTP, as the schedules feel it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.commands import nomaflow
from tests.fakes import FakeClock
from tests.homes import a_home, a_query_job

from nomaflow.app import App
from nomaflow.domain.run import Run
from nomaflow.domain.states import RunState
from nomaflow.errors import NotFound, Refused
from nomaflow.history.database import Database
from nomaflow.history.pages import RunFilter
from nomaflow.history.pauses import PauseHistory

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
JOBS = a_query_job("often", "SELECT 1", schedule="*/10 * * * *", timezone="UTC") + a_query_job(
    "vital", "SELECT 1", schedule="*/10 * * * *", timezone="UTC"
)


async def test_while_everything_is_paused_due_times_are_skipped_but_those_of_exceptions(
    tmp_path: Path,
) -> None:
    clock = FakeClock(NOON, patience=50)
    app = App.build(a_home(tmp_path / "home", JOBS), clock=clock)
    async with app.store():
        await app.scheduler.start()
        await app.pauses.begin("new disks", until=None, exceptions=["vital"], by="user:ann")
        await once_there_are(2, app, clock)
        await app.pauses.end(by="user:ann")
        runs = await once_there_are(4, app, clock)
        await app.scheduler.stop()
    told = {(run.job_id, run.scheduled_at, run.state, run.reason) for run in runs}
    first, second = NOON + timedelta(minutes=10), NOON + timedelta(minutes=20)
    assert told == {
        ("often", first, RunState.SKIPPED, "paused: new disks"),
        ("vital", first, RunState.QUEUED, None),
        ("often", second, RunState.QUEUED, None),
        ("vital", second, RunState.SKIPPED, f"overlap: run {_of(runs, 'vital', first)}"),
    }


async def test_a_pause_ends_by_itself_and_an_end_in_the_past_is_refused(tmp_path: Path) -> None:
    clock = FakeClock(NOON)
    app = App.build(a_home(tmp_path / "home", JOBS), clock=clock)
    async with app.store():
        begin = app.pauses.begin
        await begin("a while", until=NOON + timedelta(hours=1), exceptions=[], by="user:ann")
        assert await app.pauses.in_force() is not None
        clock.step(3600)
        assert await app.pauses.in_force() is None
        with pytest.raises(Refused, match="Nothing is paused"):
            await app.pauses.end(by="user:ann")
        with pytest.raises(Refused, match="later end"):
            await begin("late", until=NOON, exceptions=[], by="user:ann")
        with pytest.raises(NotFound, match="oftn"):
            await begin("typo", until=None, exceptions=["oftn"], by="user:ann")


async def test_a_new_pause_takes_the_place_of_the_old_one_and_both_are_remembered(
    database: Database,
) -> None:
    clock = FakeClock(NOON)
    pauses = PauseHistory(database, clock)
    old = await pauses.begin("old", until=None, exceptions=[], by="user:ann")
    clock.step(60)
    new = await pauses.begin("new", until=None, exceptions=[], by="user:bob")
    assert await pauses.in_force() == new
    assert [(each.reason, each.ended_by) for each in await pauses.since(NOON)] == [
        ("old", "user:bob"),
        ("new", None),
    ]
    assert await pauses.since(clock.now()) == [new]
    assert old.covers(NOON)


def test_the_command_pauses_tells_and_resumes(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", JOBS)
    begun = nomaflow(
        "pause",
        "--home",
        home,
        "--reason",
        "new disks",
        "--until",
        "2h",
        "--except",
        "vital",
        "--json",
    )
    assert begun.json["pause"]["reason"] == "new disks"
    assert begun.json["pause"]["exceptions"] == ["vital"]
    status = nomaflow("pause", "--home", home, "--status")
    assert "but vital: new disks" in status.out
    assert nomaflow("pause", "--home", home, "--off", "--json").json["pause"]["ended_by"]
    assert "Nothing is paused" in nomaflow("pause", "--home", home, "--status").out
    assert nomaflow("pause", "--home", home, "--off").code == 2


async def once_there_are(count: int, app: App, clock: FakeClock) -> Sequence[Run]:
    """The rows ten minutes later, as soon as there are so many: time stands still meanwhile."""
    await clock.advance(600)
    while len(runs := (await app.stored.runs.page(RunFilter())).runs) < count:
        await clock.advance(0)
    return runs


def _of(runs: Sequence[Run], job: str, at: datetime) -> int:
    return next(run.id for run in runs if (run.job_id, run.scheduled_at) == (job, at))
