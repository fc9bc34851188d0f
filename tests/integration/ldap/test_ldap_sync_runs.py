"""ldap_sync as the engine runs it: sealed passwords, a child process, a cancel."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

from tests.homes import a_home, ended, messages, running
from tests.integration.ldap.conftest import Branch
from tests.servers.slapd import PASSWORD, READER

from nomaflow.app import App
from nomaflow.domain.run import RunOptions
from nomaflow.domain.states import RunState

CONNECTORS = """
[connectors.directory]
type = "ldap"
server = "{server}"
bind_dn = "{user}"
bind_password = "{password}"
ca_file = "ca.pem"
"""
BY_CONNECTOR = '[[jobs.steps]]\nname = "by-connector"'
JOBS = """
[[jobs]]
id = "mirror"
[[jobs.steps]]
name = "table"
type = "sql_query"
connector = "default"
query = "CREATE TABLE people (uid TEXT PRIMARY KEY, mail TEXT)"
[[jobs.steps]]
name = "by-connector"
type = "ldap_sync"
connector = "directory"
search_base = "{base}"
search_filter = "(uid=*)"
attributes = ["uid", "mail"]
target_connector = "default"
target_table = "people"
[[jobs.steps]]
name = "by-server"
type = "ldap_sync"
server = "{server}"
bind_dn = "{user}"
bind_password = "{password}"
search_base = "{base}"
search_filter = "(uid=*)"
attributes = ["uid", "mail"]
target_connector = "default"
target_table = "people"
dry_run = true
"""


def mirrored_home(folder: Path, branch: Branch) -> Path:
    """A home whose passwords are sealed by its own key."""
    home = a_home(folder)
    app = App.build(home)
    sealed = app.vault.seal(PASSWORD)
    values = {"user": READER, "password": sealed, "base": branch.base}
    server = branch.server
    (home / "ca.pem").write_bytes(server.ca_file.read_bytes())
    connectors = CONNECTORS.format(server=server.secure_url, **values)
    (home / "connectors.toml").write_text(connectors)
    (home / "jobs.toml").write_text(JOBS.format(server=server.url, **values))
    return home


async def test_sealed_passwords_open_for_the_step_and_are_never_shown(
    branch: Branch, tmp_path: Path
) -> None:
    branch.add_people(3)
    home = mirrored_home(tmp_path / "home", branch)
    async with running(home) as app:
        run, steps = await ended(app, "mirror")
        said = await messages(app, run.id)
    assert run.state is RunState.SUCCEEDED, said
    assert steps[1].output is not None
    assert steps[1].output["created"] == 3
    assert steps[2].output is not None
    assert steps[2].output["plan"] == {"create": 0, "update": 0, "prune": 0}
    assert PASSWORD not in "\n".join(said)


async def test_a_server_that_never_answers_does_not_hold_up_a_cancel(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        server = f"ldap://127.0.0.1:{silent.getsockname()[1]}"
        values = {"user": READER, "password": "${env:LDAP_PASSWORD}", "base": "dc=example,dc=test"}
        before, _, by_connector = JOBS.partition(BY_CONNECTOR)
        jobs = before + by_connector[by_connector.index("[[jobs.steps]]") :]
        home = a_home(
            tmp_path / "home", jobs.format(server=server, **values), env="LDAP_PASSWORD=x-y-z-1\n"
        )
        async with running(home) as app:
            run_id = await app.runs.start("mirror", RunOptions(), by="user:ann")
            connection, _ = await asyncio.to_thread(silent.accept)
            await app.runs.cancel(run_id, by="user:ann")
            await app.runs.wait(run_id, seconds=60)
            run, _ = await app.runs.get(run_id)
            connection.close()
    assert run.state is RunState.CANCELED


def test_a_missing_library_is_one_sentence_that_says_how_to_get_it() -> None:
    code = (
        "import sys; sys.modules['ldap'] = None\n"
        "from nomaflow.connectors.ldap.connector import LdapConnector, LdapDefinition\n"
        "login = {'server': 'ldap://a', 'bind_dn': 'cn=a', 'bind_password': 'x'}\n"
        "LdapConnector('ad', LdapDefinition.model_validate(login)).check()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "Connector 'ad' needs the LDAP library (python-ldap)." in done.stderr
    assert "pip install 'nomaflow[ldap]'" in done.stderr
