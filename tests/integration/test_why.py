"""Why did it not run? Answered from rows and schedules."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.commands import nomaflow
from tests.fakes import FakeClock
from tests.homes import a_home, a_query_job

from nomaflow.app import App

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
JOBS = "\n".join(
    [
        a_query_job("hourly", "SELECT 1", schedule="0 * * * *", timezone="UTC"),
        a_query_job("by-hand", "SELECT 1"),
        a_query_job("off", "SELECT 1", schedule="0 * * * *", timezone="UTC", enabled=False),
    ]
)


async def test_the_answer_names_row_state_reason_and_what_comes(tmp_path: Path) -> None:
    clock = FakeClock(NOON - timedelta(minutes=5))
    app = App.build(a_home(tmp_path / "home", JOBS), clock=clock)
    async with app.store():
        await app.scheduler.start()
        await app.scheduler.stop()
        clock.step(3 * 3600)
        await app.scheduler.start()
        await app.scheduler.stop()
        missed = await app.why.near("hourly", NOON + timedelta(minutes=20))
        early = await app.why.near("hourly", NOON - timedelta(hours=3))
        await app.pauses.begin("new disks", until=None, exceptions=[], by="user:ann")
        now = await app.why.near("hourly")
        answers = [(await app.why.near(job))["answer"] for job in ("by-hand", "off")]
    assert "The due time 2026-06-01T12:00:00.000Z is run" in missed["answer"]
    assert "MISSED: service down 11:55–14:55" in missed["answer"]
    assert [run["scheduled_at"][11:16] for run in missed["runs"]] == ["12:00", "13:00", "14:00"]
    assert "the schedule was not in force then" in early["answer"]
    assert now["answer"].endswith(
        "The next due time is 2026-06-01T15:00:00.000Z, and will be held back: paused: new disks."
    )
    assert now["pause"]["reason"] == "new disks"
    assert answers == [
        "The job has no schedule: it runs by hand only.",
        "The job is disabled: its schedule is ignored; running by hand still works.",
    ]


def test_the_command_answers_in_a_sentence_or_as_json(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", JOBS)
    assert "runs by hand only" in nomaflow("why", "by-hand", "--home", home).out
    told = nomaflow("why", "hourly", "--home", home, "--at", "2026-06-01T12:30:00Z", "--json").json
    assert "no service has kept schedules" in told["answer"]
    assert told["schedules"][0]["previous_due_at"] == "2026-06-01T12:00:00.000Z"
    assert nomaflow("why", "nobody", "--home", home).code == 2
    assert nomaflow("why", "hourly", "--home", home, "--at", "soon").code == 2
