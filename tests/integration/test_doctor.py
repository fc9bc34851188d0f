"""`nomaflow doctor`: what is wrong is found, named, and comes with a way out."""

import socket
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.commands import Ended, nomaflow
from tests.homes import a_home, a_query_job, a_token

JOBS = f"""
{a_query_job("good", "SELECT 1")}
{a_query_job("bad", "SELECT 1", schedule="61 * * * *")}

[[jobs]]
id = "python"
[[jobs.steps]]
name = "fine"
type = "python"
callable = "fine:work"
[[jobs.steps]]
name = "exits"
type = "python"
callable = "exits:work"
[[jobs.steps]]
name = "breaks"
type = "python"
callable = "breaks:work"
[[jobs.steps]]
name = "absent"
type = "python"
callable = "fine:play"
"""
PLUGINS = {
    "fine.py": "print('noise')\ndef work(ctx): ...\n",
    "exits.py": "import os\nos._exit(7)\n",
    "breaks.py": "1 / 0\n",
}
CONNECTORS = """
[pools.erp]
url = "postgresql://reader@127.0.0.1:1/erp"
connect_timeout_seconds = 2
[connectors.erp]
type = "sql"
pool = "erp"
[pools.files]
url = "sqlite:///data/other.db"
[connectors.files]
type = "sql"
pool = "files"
"""


def examined(home: Path, **environment: str) -> Ended:
    return nomaflow("doctor", "--home", home, "--json", environment=environment)


def of(ended: Ended, check: str, level: str = "error") -> list[dict[str, Any]]:
    found = [each for each in ended.json["findings"] if each["check"] == check]
    return [each for each in found if each["level"] == level]


def test_a_fresh_home_is_well_and_stays_as_it_is(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", a_query_job("good", "SELECT 1"))
    before = sorted(home.rglob("*"))
    ended = examined(home, NOMAFLOW_PORT="0")
    assert (ended.code, ended.err) == (0, "")
    assert {each["level"] for each in ended.json["findings"]} <= {"ok", "warning"}
    assert sorted(home.rglob("*")) == before


def test_every_mistake_is_named_with_a_way_out(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", JOBS, connectors=CONNECTORS, plugins=PLUGINS)
    a_token(home)
    (home / ".env").chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as other:
        ended = examined(home, NOMAFLOW_PORT=str(other.getsockname()[1]))
    assert ended.code == 3
    assert all(each["advice"] for each in ended.json["findings"] if each["level"] != "ok")
    (problem,) = of(ended, "home")
    assert "job 'bad', field 'schedule'" in problem["what"]
    assert "chmod 600" in of(ended, "modes", "warning")[0]["advice"]
    (erp,) = of(ended, "connector erp")
    assert erp["cause"] == "unreachable"
    assert "other.db is not there" in of(ended, "connector files", "warning")[0]["what"]
    plugins = [each["what"] for each in of(ended, "plugins")]
    assert plugins == [
        "exits:work (job 'python', step 'exits'): importing it ended the process with 7",
        "breaks:work (job 'python', step 'breaks'): ZeroDivisionError: division by zero",
        plugins[2],
    ]
    assert "Module 'fine' has no function 'play'" in plugins[2]
    assert of(ended, "plugins", "ok")[0]["what"] == "1 callables can be imported"
    assert "cannot listen on 127.0.0.1:" in of(ended, "port")[0]["what"]


def test_what_does_not_answer_exits_4(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", "", connectors=CONNECTORS)
    assert examined(home, NOMAFLOW_PORT="0").code == 4


def test_a_lost_key_is_told_before_anything_is_opened(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home")
    (home / "master.key").unlink()
    ended = examined(home)
    assert ended.code == 3
    assert "The master key is missing" in of(ended, "secrets")[0]["what"]
    assert of(ended, "start")


def test_a_damaged_store_is_found(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", a_query_job("good", "SELECT 1"))
    a_token(home)
    file = home / "data" / "nomaflow.db"
    damaged = bytearray(file.read_bytes())
    damaged[4096 * 3 : 4096 * 6] = b"\xff" * 4096 * 3
    file.write_bytes(damaged)
    ended = examined(home, NOMAFLOW_PORT="0")
    assert ended.code in {3, 4}
    assert of(ended, "store")


def test_runs_that_nobody_executes_are_found(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", a_query_job("good", "SELECT 1"))
    a_token(home)
    long_ago = "2026-01-01 00:00:00.000000+00:00"
    with sqlite3.connect(home / "data" / "nomaflow.db") as store:
        for state, owner in (("RUNNING", "gone-1"), ("QUEUED", None)):
            store.execute(
                "INSERT INTO ly2_job_runs (job_id, state, triggered_by, created_at, attempt, owner,"
                " params) VALUES ('good', ?, 'cli:ann', ?, 1, ?, '{}')",
                (state, long_ago, owner),
            )
        store.execute(
            "INSERT INTO ly2_processes (id, kind, host, boot_id, pid, started_at, heartbeat_at)"
            " VALUES ('gone-1', 'server', 'elsewhere', 'x', 4711, ?, ?)",
            (long_ago, long_ago),
        )
    ended = examined(home, NOMAFLOW_PORT="0")
    assert ended.code == 0
    lost, queued = [each["what"] for each in of(ended, "runs", "warning")]
    assert "1 runs are RUNNING and their process is gone" in lost
    assert "1 runs have been QUEUED" in queued
    assert "4711 on elsewhere" in of(ended, "processes", "warning")[0]["what"]


@pytest.mark.postgresql
def test_a_store_in_postgresql_tells_its_version_and_clock(
    tmp_path: Path, postgresql_url: str
) -> None:
    pool = f'[pools.default]\nurl = "{postgresql_url}"\n'
    home = a_home(tmp_path / "home", connectors=pool)
    first = examined(home, NOMAFLOW_PORT="0")
    assert "not those of this version" in of(first, "store", "warning")[0]["what"]
    a_token(home)
    second = examined(home, NOMAFLOW_PORT="0")
    assert second.code == 0
    assert any("PostgreSQL" in each["what"] for each in of(second, "store", "ok"))


def test_the_table_says_what_to_do(tmp_path: Path) -> None:
    ended = nomaflow("doctor", "--home", tmp_path)
    assert ended.code == 3
    assert "nomaflow init DIR" in ended.out
    assert "2 errors, 0 warnings." in ended.out
