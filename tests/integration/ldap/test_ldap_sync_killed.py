"""An ldap_sync that ends in the middle of its changes has made none: old or new, whole."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from tests.commands import living_children
from tests.homes import a_home, ended, running
from tests.integration.ldap.conftest import Branch
from tests.servers.slapd import PASSWORD, READER
from tests.waiting import once_true

from nomaflow.app import App
from nomaflow.connectors.base import ConnectorSettings, ResolvedPool
from nomaflow.connectors.registry import Connectors, ConnectorTypes
from nomaflow.connectors.sql import SqlConnector, SqlDefinition
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
BLOCKED = {
    "postgresql": """
        SELECT count(*) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()""",
    "mysql": """
        SELECT count(*) FROM information_schema.processlist
        WHERE db = DATABASE() AND info LIKE 'UPDATE %'""",
}


@dataclass(frozen=True)
class Scene:
    """A table of people whose mail is `old`, one row of which somebody holds."""

    home: Path
    database: SqlConnector
    holder: ExitStack

    def mails(self) -> set[tuple[str, int]]:
        """How many rows have the old mail, and how many a new one."""
        kinds = "SELECT CASE mail WHEN 'old' THEN 'old' ELSE 'new' END, count(*) FROM people"
        return {(kind, count) for kind, count in self.database.execute(f"{kinds} GROUP BY 1")}

    async def is_blocked(self) -> bool:
        """Whether the step waits within its changes."""
        blocked = BLOCKED[self.database.dialect.name]
        return bool(await asyncio.to_thread(self.database.scalar, blocked))

    async def blocked_run(self, app: App) -> RunId:
        run_id = await app.runs.start("mirror", RunOptions(), by="user:ann")
        await once_true(self.is_blocked, seconds=30)
        return run_id


@pytest.fixture(
    params=[
        pytest.param(("postgresql_url", "table"), marks=pytest.mark.postgresql, id="postgresql"),
        pytest.param(("postgresql_url", "query"), marks=pytest.mark.postgresql, id="query"),
        pytest.param(("mariadb_url", "table"), marks=pytest.mark.mariadb, id="mariadb"),
    ]
)
def scene(request: pytest.FixtureRequest, branch: Branch, tmp_path: Path) -> Iterator[Scene]:
    database_url, into = request.param
    url = str(request.getfixturevalue(database_url))
    branch.add_people(PEOPLE)
    values = {"server": branch.server.url, "user": READER, "base": branch.base, "into": INTO[into]}
    home = a_home(
        tmp_path / "home",
        JOB.format(seconds=60, **values),
        connectors=CONNECTORS.format(url=url),
        env=f"LDAP_PASSWORD={PASSWORD}\n",
    )
    settings = ConnectorSettings("db", "sql", SqlDefinition(pool="db"), ResolvedPool("db", url))
    connectors = Connectors(lambda _: settings, ConnectorTypes.discover())
    database = cast("SqlConnector", connectors.get("db"))
    database.execute("CREATE TABLE people (uid varchar(40) PRIMARY KEY, mail varchar(200))")
    rows = ", ".join(f"('u{number}', 'old')" for number in range(PEOPLE))
    database.execute(f"INSERT INTO people VALUES {rows}")
    with ExitStack() as holder:
        session = holder.enter_context(database.transaction())
        session.execute("SELECT * FROM people WHERE uid = 'u77' FOR UPDATE")
        yield Scene(home, database, holder)
    connectors.close()


async def test_a_kill_within_the_changes_leaves_all_as_it_was(scene: Scene) -> None:
    async with running(scene.home) as app:
        run_id = await scene.blocked_run(app)
        (child,) = filter(_is_of_steps, living_children(os.getpid()))
        os.kill(child, signal.SIGKILL)
        await app.runs.wait(run_id, seconds=30)
        _, (step,) = await app.runs.get(run_id)
        scene.holder.close()
        assert step.error is not None
        assert step.error.type == "ProcessDied"
        assert scene.mails() == {("old", PEOPLE)}
        await ended(app, "mirror")
        assert scene.mails() == {("new", PEOPLE)}


async def test_the_wall_within_the_changes_leaves_all_as_it_was(scene: Scene) -> None:
    jobs = scene.home / "jobs.toml"
    jobs.write_text(jobs.read_text().replace("timeout_seconds = 60", "timeout_seconds = 5"))
    async with running(scene.home) as app:
        run_id = await scene.blocked_run(app)
        await app.runs.wait(run_id, seconds=30)
        _, (step,) = await app.runs.get(run_id)
        assert (step.state, step.reason) == (StepState.FAILED, "timeout")
        assert not await scene.is_blocked()
        scene.holder.close()
        assert scene.mails() == {("old", PEOPLE)}


def _is_of_steps(pid: int) -> bool:
    """Whether the process is one that steps execute in."""
    try:
        return b"hosts.child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
