"""The server as a process: killed, stopped, doubled, and started on a home with broken parts."""

import signal
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.commands import Server, lives, living_children, nomaflow, serving
from tests.homes import a_home, a_query_job, a_token
from tests.waiting import eventually

PLUGIN = """
import time

def wait(ctx, **_):
    ctx.log.info("waiting")
    while True:
        time.sleep(0.02)

def finish(ctx, **_):
    ctx.log.info("finishing")
    time.sleep(1)

def odd(ctx, **_):
    print("nul \\x00 and half a pair \\ud83d")
    raise RuntimeError("nul \\x00 and half a pair \\ud83d")

def odd_output(ctx, **params):
    return {"nul \\x00": "\\ud83d", **params}
"""


def a_python_job(job_id: str, **fields: Any) -> str:
    """A job whose one step calls the function of that name."""
    job = a_query_job(job_id, **fields)
    return f'{job}[[jobs.steps]]\nname = "only"\ntype = "python"\ncallable = "plugin:{job_id}"\n'


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> str:
    """What connectors.toml says of the store."""
    if request.param == "sqlite":
        return ""
    return f'[pools.default]\nurl = "{request.getfixturevalue("postgresql_url")}"\n'


def test_a_killed_servers_run_is_lost_in_restart_and_the_next_run_works(
    tmp_path: Path, store: str
) -> None:
    jobs = a_python_job("wait") + a_python_job("finish")
    home = a_home(tmp_path / "home", jobs, connectors=store, plugins={"plugin.py": PLUGIN})
    token = a_token(home)
    with serving(home, token) as server:
        run_id = server.run("wait")
        eventually(lambda: "waiting" in said(server, run_id))
        children = living_children(server.command.pid)
        server.command.signal(signal.SIGKILL)
        server.command.ended()
    eventually(lambda: not any(map(lives, children)))
    with serving(home, token, name="again") as server:
        lost = server.ended(run_id)
        running = server.get("/api/v1/runs", state="RUNNING")["runs"]
        after = server.ended(server.run("finish"))

    assert (lost["state"], lost["reason"]) == ("FAILED", "lost in restart")
    assert [step["state"] for step in lost["steps"]] == ["FAILED"]
    assert "waiting" in said_before(home, run_id)
    assert running == []
    assert after["state"] == "SUCCEEDED"


def test_a_server_that_is_told_to_stop_lets_the_run_in_flight_end(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", a_python_job("finish"), plugins={"plugin.py": PLUGIN})
    with serving(home, a_token(home)) as server:
        run_id = server.run("finish")
        eventually(lambda: "finishing" in said(server, run_id))
        server.command.signal(signal.SIGTERM)
        ended = server.command.ended(seconds=20)
    run = nomaflow("show", str(run_id), "--home", home, "--json").json

    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    assert (run["state"], run["reason"]) == ("SUCCEEDED", None)


def test_a_run_without_wait_goes_to_the_living_server_and_any_process_cancels_it(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path / "home", a_python_job("wait"), plugins={"plugin.py": PLUGIN})
    with serving(home, a_token(home)) as server:
        queued = nomaflow("run", "wait", "--home", home, "--json")
        run_id = queued.json["run_id"]
        eventually(lambda: "waiting" in said(server, run_id))
        asked = nomaflow("cancel", str(run_id), "--home", home)
        run = server.ended(run_id, seconds=30)

    assert queued.code == 0
    assert queued.json["state"] in {"QUEUED", "RUNNING"}
    assert "the server of this store executes it" in queued.err
    assert asked.code == 0
    assert run["state"] == "CANCELED"
    assert run["reason"].startswith("cancelled by cli:")


def test_texts_that_no_database_takes_neither_break_a_run_nor_the_server(
    tmp_path: Path, store: str
) -> None:
    jobs = a_python_job("odd") + a_python_job("odd_output")
    home = a_home(tmp_path / "home", jobs, connectors=store, plugins={"plugin.py": PLUGIN})
    with serving(home, a_token(home)) as server:
        failed = server.ended(server.run("odd", params={"a\x00": "\ud83d\x00"}))
        ended = server.ended(server.run("odd_output", params={"a\x00": ["\ud83d"]}))
        lines = said(server, failed["run_id"])
        found = server.http.get("/api/v1/runs", params={"q": "\x00"})

    assert failed["state"] == "FAILED"
    assert "nul" in failed["steps"][0]["error"]["message"]
    assert "half a pair" in lines
    assert ended["state"] == "SUCCEEDED", ended["reason"]
    assert found.status_code in {200, 422}


def test_two_servers_fire_each_due_time_once(tmp_path: Path, store: str) -> None:
    jobs = a_query_job("tick", "SELECT 1", interval="1s", overlap="allow")
    home = a_home(tmp_path / "home", jobs, connectors=store)
    token = a_token(home)
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(home, token, name=name)) for name in ("one", "two")]
        begin = eventually(lambda: due_times(servers[0]))[0]
        eventually(lambda: due_times(servers[1])[0] >= begin + timedelta(seconds=6))
        due = due_times(servers[0])
        errors = [line for one in servers for line in one.command.err.splitlines() if "ERR" in line]

    first, last = due[-1], due[0]
    assert all(at.microsecond == 0 for at in due)
    assert due == sorted(set(due), reverse=True)
    assert len(due) == (last - first).total_seconds() + 1
    assert errors == []


def test_a_server_on_a_home_with_broken_parts_runs_all_that_is_sound(tmp_path: Path) -> None:
    jobs = "".join(
        [
            a_query_job("good", "SELECT 1"),
            a_query_job("never", "SELECT 1", schedule="0 0 31 2 *"),
            a_query_job("lost", "SELECT 1").replace('"default"', '"nowhere"'),
            a_query_job("hollow"),
            a_query_job("good-too", "SELECT 2", interval="1s", overlap="allow"),
            a_query_job("unreachable", "SELECT 1").replace('"default"', '"broken"'),
        ]
    )
    connectors = """
    [pools.broken]
    url = "postgresql://reader:plain-text@127.0.0.1/none"
    [connectors.broken]
    type = "sql"
    pool = "broken"
    """
    home = a_home(tmp_path / "home", jobs, connectors=connectors)
    with serving(home, a_token(home)) as server:
        rows = server.get("/api/v1/jobs")["jobs"]
        run = server.ended(server.run("good"))
        eventually(lambda: server.get("/api/v1/runs", job="good-too", state="SUCCEEDED")["runs"])
        refused = [
            server.http.post(f"/api/v1/jobs/{row['job_id']}/runs").status_code
            for row in rows
            if row["problems"]
        ]
    shown = nomaflow("jobs", "--home", home)
    listed = nomaflow("jobs", "--home", home, "--json").json["jobs"]

    broken = [row["job_id"] for row in rows if row["problems"]]
    assert broken == ["never", "lost", "hollow", "unreachable"]
    assert run["state"] == "SUCCEEDED"
    assert refused == [422] * 4
    assert [row["job_id"] for row in listed if row["problems"]] == broken
    assert shown.out.count("BROKEN") == 4
    assert "plain-text" not in server.command.err + shown.out + shown.err + str(rows)
    for job in broken:
        assert f"'{job}'" in server.command.err


def said(server: Server, run_id: int) -> str:
    return "\n".join(line["message"] for line in server.get(f"/api/v1/runs/{run_id}/logs")["lines"])


def said_before(home: Path, run_id: int) -> str:
    return nomaflow("logs", str(run_id), "--home", home).out


def due_times(server: Server) -> list[datetime]:
    """The due times that have rows, newest first."""
    runs = server.get("/api/v1/runs", job="tick", limit=500)["runs"]
    return [datetime.fromisoformat(run["scheduled_at"]) for run in runs]
