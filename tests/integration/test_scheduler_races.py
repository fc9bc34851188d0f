"""Four schedulers on one store: nobody leads, every due time has one row."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from tests.fakes import FakeClock
from tests.homes import a_home, a_query_job

from nomaflow.app import App
from nomaflow.history.tables import job_runs

RACER = Path(__file__).with_name("scheduler_racer.py")
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
JOBS, DUE_TIMES = 50, 100


@pytest.fixture(params=["sqlite", "postgresql"])
def connectors(request: pytest.FixtureRequest) -> str:
    """What connectors.toml says of the store."""
    if request.param == "sqlite":
        return ""
    return f'[pools.default]\nurl = "{request.getfixturevalue("postgresql_url")}"\n'


def jobs() -> str:
    policies = ("skip", "last", "all")
    return "\n".join(
        a_query_job(
            f"job-{number}",
            "SELECT 1",
            interval="1m",
            misfire=policies[number % 3],
            overlap="allow" if number % 2 else "queue",
        )
        for number in range(JOBS)
    )


async def test_four_racing_schedulers_make_one_row_for_each_of_5000_due_times(
    tmp_path: Path, connectors: str
) -> None:
    home = a_home(tmp_path / "home", jobs(), connectors=connectors)
    app = App.build(home, clock=FakeClock(NOON))
    async with app.store():
        await app.scheduler.start()
        await app.scheduler.stop()
    race(home, NOON + timedelta(minutes=DUE_TIMES))
    app = App.build(home, clock=FakeClock(NOON))
    async with app.store():
        rows = await app.database.read(_rows)
    expected = {NOON + timedelta(minutes=minute) for minute in range(1, DUE_TIMES + 1)}
    assert len(rows) == JOBS * DUE_TIMES
    assert Counter(rows).most_common(1)[0][1] == 1
    assert {at for _, at in rows} == expected


def race(home: Path, now: datetime) -> None:
    """Four schedulers that begin at the same moment; each ends well."""
    command = [sys.executable, str(RACER), str(home), now.isoformat()]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    racers = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for racer in racers:
        assert racer.stdout.readline().strip() == "ready"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    assert [racer.communicate(timeout=120)[0].strip() for racer in racers] == ["done"] * 4


def _rows(connection: Connection) -> list[tuple[str, datetime]]:
    query = select(job_runs.c.job_id, job_runs.c.scheduled_at)
    return [tuple(row) for row in connection.execute(query.where(job_runs.c.job_id.like("job-%")))]
