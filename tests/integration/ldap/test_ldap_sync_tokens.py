"""Merged parameters and tokens in an ldap_sync step, in each of its fields."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.homes import a_home, ended, running
from tests.integration.ldap.conftest import Branch
from tests.servers.slapd import PASSWORD, READER

from nomaflow.domain.run import RunOptions
from nomaflow.domain.states import StepState

CONNECTORS = """
[pools.app]
url = "sqlite:///data/app.db"
[connectors.app]
type = "sql"
pool = "app"
"""
JOB = """
[[jobs]]
id = "mirror"
params = { who = "u1", into = "people", key = "uid", most = 50, dry = false, size = 2 }
[[jobs.presets]]
name = "some"
params = { who = "u2" }
[[jobs.steps]]
name = "table"
type = "python"
callable = "plugin:first"
[[jobs.steps]]
name = "sync"
type = "ldap_sync"
server = "${env:LDAP_SERVER}"
bind_dn = "${env:LDAP_USER}"
bind_password = "${env:LDAP_PASSWORD}"
search_base = "${env:LDAP_BASE}"
search_filter = "(&(objectClass=${out:table.class})(uid=${kw:who}))"
search_scope = "${out:table.scope}"
attributes = ["${kw:key}", "${out:table.attributes.0}"]
multi_valued = "${out:table.several}"
separator = "${out:table.separator}"
page_size = "${kw:size}"
referrals = "${env:REFERRALS:-ignore}"
target_connector = "${out:table.connector}"
target_table = "${kw:into}"
key = ["${kw:key}"]
mapping = { dn = "${out:table.place}" }
prune_max_percent = "${kw:most}"
prune_max_rows = "${kw:most}"
dry_run = "${kw:dry}"
"""
PLUGIN = """
import sqlite3

def first(ctx, **_):
    with sqlite3.connect("{database}") as app:
        app.execute("CREATE TABLE IF NOT EXISTS people (uid TEXT PRIMARY KEY, mail, place)")
    return {{
        "class": "inetOrgPerson", "scope": "one", "attributes": ["mail"], "several": "join",
        "separator": " + ", "connector": "app", "place": "place",
    }}
"""


@pytest.fixture
def home(tmp_path: Path, branch: Branch) -> Path:
    branch.add_people(4)
    database = tmp_path / "home" / "data" / "app.db"
    env = {
        "LDAP_SERVER": branch.server.url,
        "LDAP_USER": READER,
        "LDAP_PASSWORD": PASSWORD,
        "LDAP_BASE": branch.base,
    }
    return a_home(
        tmp_path / "home",
        JOB,
        connectors=CONNECTORS,
        plugins={"plugin.py": PLUGIN.format(database=database)},
        env="".join(f"{name}={value}\n" for name, value in env.items()),
    )


async def test_later_layers_win_and_every_field_takes_tokens(home: Path, branch: Branch) -> None:
    form = {"params": {"who": "u3"}}
    layers: list[tuple[dict[str, Any], str]] = [
        ({}, "u1"),
        ({"preset": "some"}, "u2"),
        ({"preset": "some", **form}, "u3"),
        ({**form, "op_kwargs": {"sync": {"who": "u0"}}}, "u0"),
    ]
    async with running(home) as app:
        for options, uid in layers:
            _, (_, step) = await ended(app, "mirror", RunOptions(**options))
            assert step.state is StepState.SUCCEEDED, step.error
            mails = f"also{uid[1]}@example.test + {uid}@example.test"
            assert people(home)[-1] == (uid, mails, branch.dn(uid))
    assert len(people(home)) == len(layers)


def people(home: Path) -> list[tuple[str, str, str]]:
    """In the order in which they came."""
    with closing(sqlite3.connect(home / "data" / "app.db")) as app:
        return app.execute("SELECT uid, mail, place FROM people ORDER BY rowid").fetchall()


@pytest.mark.parametrize(
    ("field", "token"),
    [
        ('server = "${env:LDAP_SERVER}"', "${env:NOT_THERE}"),
        ('target_table = "${kw:into}"', "${kw:nobody}"),
        ('separator = "${out:table.separator}"', "${out:table.nothing}"),
        ('mapping = { dn = "${out:table.place}" }', "${ctx:scheduled_at}"),
    ],
)
async def test_a_token_without_a_value_fails_the_step_with_its_name(
    home: Path, field: str, token: str
) -> None:
    jobs = home / "jobs.toml"
    begin, old, end = field.partition(field[field.index("${") : field.index("}") + 1])
    jobs.write_text(jobs.read_text().replace(field, f"{begin}{token}{end}"))
    async with running(home) as app:
        _, (_, step) = await ended(app, "mirror")
    assert step.error is not None
    assert step.error.type == "StepRefused"
    assert token in step.error.message
    assert old not in step.error.message
