"""An ldap_sync that ends in the middle of its changes has made none: old or new, whole."""

import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.commands import living_children
from tests.homes import a_home, ended, running
from tests.integration.ldap.conftest import Branch
from tests.servers.slapd import PASSWORD, READER
from tests.waiting import once_true

from nomaflow.app import App
from nomaflow.domain.run import RunId, RunOptions
from nomaflow.domain.states import StepState

PEOPLE = 300
CONNECTORS = """
[pools.app]
url = "{url}"
[connectors.app]
type = "sql"
pool = "app"
[connectors.app.queries.put]
sql = "UPDATE people SET mail = :mail WHERE uid = :uid"
"""
JOB = """
[[jobs]]
id = "mirror"
[[jobs.steps]]
name = "people"
type = "ldap_sync"
timeout_seconds = {seconds}
server = "{server}"
bind_dn = "{user}"
bind_password = "${{env:LDAP_PASSWORD}}"
search_base = "{base}"
search_filter = "(uid=*)"
attributes = ["uid", "mail"]
target_connector = "app"
{into}
"""
INTO = {"table": 'target_table = "people"', "query": 'target_query = "put"'}
BLOCKED = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


@dataclass(frozen=True)
class Scene:
    """A table of people whose mail is `old`, one row of which somebody holds."""

    home: Path
    database: psycopg.AsyncConnection[Any]
    holder: psycopg.AsyncConnection[Any]

    async def mails(self) -> set[tuple[str, int]]:
        """How many rows have the old mail, and how many a new one."""
        kinds = "SELECT CASE mail WHEN 'old' THEN 'old' ELSE 'new' END, count(*) FROM people"
        return set(await (await self.database.execute(f"{kinds} GROUP BY 1")).fetchall())

    async def is_blocked(self) -> bool:
        """Whether the step waits within its changes."""
        found = await (await self.database.execute(BLOCKED)).fetchone()
        return found is not None and found[0] > 0

    async def blocked_run(self, app: App) -> RunId:
        run_id = await app.runs.start("mirror", RunOptions(), by="user:ann")
        await once_true(self.is_blocked, seconds=30)
        return run_id


@pytest.fixture(params=INTO)
def into(request: pytest.FixtureRequest) -> str:
    return INTO[request.param]


@pytest.fixture
async def scene(
    branch: Branch, tmp_path: Path, postgresql_url: str, into: str
) -> AsyncIterator[Scene]:
    branch.add_people(PEOPLE)
    values = {"server": branch.server.url, "user": READER, "base": branch.base, "into": into}
    home = a_home(
        tmp_path / "home",
        JOB.format(seconds=60, **values),
        connectors=CONNECTORS.format(url=postgresql_url),
        env=f"LDAP_PASSWORD={PASSWORD}\n",
    )
    connect = psycopg.AsyncConnection.connect
    async with (
        await connect(postgresql_url, autocommit=True) as database,
        await connect(postgresql_url) as holder,
    ):
        await database.execute("CREATE TABLE people (uid text PRIMARY KEY, mail text)")
        numbers = f"generate_series(0, {PEOPLE - 1})"
        await database.execute(f"INSERT INTO people SELECT 'u' || n, 'old' FROM {numbers} n")
        await holder.execute("SELECT * FROM people WHERE uid = 'u77' FOR UPDATE")
        yield Scene(home, database, holder)


async def test_a_kill_within_the_changes_leaves_all_as_it_was(scene: Scene) -> None:
    async with running(scene.home) as app:
        run_id = await scene.blocked_run(app)
        (child,) = filter(_is_of_steps, living_children(os.getpid()))
        os.kill(child, signal.SIGKILL)
        await app.runs.wait(run_id, seconds=30)
        _, (step,) = await app.runs.get(run_id)
        await scene.holder.rollback()
        assert step.error is not None
        assert step.error.type == "ProcessDied"
        assert await scene.mails() == {("old", PEOPLE)}
        await ended(app, "mirror")
        assert await scene.mails() == {("new", PEOPLE)}


async def test_the_wall_within_the_changes_leaves_all_as_it_was(scene: Scene) -> None:
    jobs = scene.home / "jobs.toml"
    jobs.write_text(jobs.read_text().replace("timeout_seconds = 60", "timeout_seconds = 5"))
    async with running(scene.home) as app:
        run_id = await scene.blocked_run(app)
        await app.runs.wait(run_id, seconds=30)
        _, (step,) = await app.runs.get(run_id)
        assert (step.state, step.reason) == (StepState.FAILED, "timeout")
        assert not await scene.is_blocked()
        await scene.holder.rollback()
        assert await scene.mails() == {("old", PEOPLE)}


def _is_of_steps(pid: int) -> bool:
    """Whether the process is one that steps execute in."""
    try:
        return b"hosts.child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
