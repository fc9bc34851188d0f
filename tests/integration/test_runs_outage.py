"""Runs while their process is frozen, or while the store is away."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from tests.commands import Server, lives, serving
from tests.homes import a_home, a_query_job, a_token
from tests.servers.postgresql import PostgresqlServer, throwaway_postgresql
from tests.servers.throwaway import ServerMissing
from tests.waiting import eventually

PLUGIN = """
import os
import time

def endless(ctx, **_):
    ctx.log.info("begun as %s", os.getpid())
    while True:
        time.sleep(0.02)

def counting(ctx, **_):
    for number in range(150):
        ctx.log.info("line %s", number)
        time.sleep(0.02)
    return {"lines": 150}
"""
TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'nomaflow' AND datname = current_database()
"""


def a_python_job(job_id: str, **fields: Any) -> str:
    """A job whose one step calls the function of that name."""
    job = a_query_job(job_id, **fields)
    return f'{job}[[jobs.steps]]\nname = "only"\ntype = "python"\ncallable = "plugin:{job_id}"\n'


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A home, on each store, whose processes are taken for dead after 2 s of silence."""
    store = ""
    if request.param == "postgresql":
        store = f'[pools.default]\nurl = "{request.getfixturevalue("postgresql_url")}"\n'
    jobs = a_python_job("endless") + a_query_job("ask", "SELECT 1")
    home = a_home(tmp_path / "home", jobs, connectors=store, plugins={"plugin.py": PLUGIN})
    with (home / "app.toml").open("a") as settings:
        settings.write("\n[runner]\ndead_after_seconds = 2\n")
    return home


def test_a_process_that_slept_too_long_loses_its_runs_and_goes_on_with_new_ones(
    home: Path,
) -> None:
    token = a_token(home)
    with serving(home, token) as sleeper:
        run_id = sleeper.run("endless")
        child = eventually(lambda: child_of(sleeper, run_id))
        sleeper.command.signal(signal.SIGSTOP)
        with serving(home, token, name="other") as other:
            lost = other.ended(run_id, seconds=30)
            lines = messages(other, run_id)
        sleeper.command.signal(signal.SIGCONT)
        sleeper.command.said("Others took this process for dead")
        eventually(lambda: not lives(child))
        after = sleeper.ended(sleeper.run("ask"))

        assert (lost["state"], lost["reason"]) == ("FAILED", "lost in restart")
        assert [step["state"] for step in lost["steps"]] == ["FAILED"]
        assert sleeper.get(f"/api/v1/runs/{run_id}") == lost
        assert messages(sleeper, run_id) == lines
        assert after["state"] == "SUCCEEDED"


def test_runs_end_truly_while_the_stores_connections_are_cut(
    tmp_path: Path, postgresql_url: str
) -> None:
    jobs = a_python_job("counting", overlap="allow") + a_query_job(
        "tick", "SELECT 1", interval="1s", overlap="allow"
    )
    store = f'[pools.default]\nurl = "{postgresql_url}"\n'
    home = a_home(tmp_path / "home", jobs, connectors=store, plugins={"plugin.py": PLUGIN})
    with serving(home, a_token(home)) as server:
        run_ids = [server.run("counting") for _ in range(4)]
        runs = [ended_while_cut(server, run_id, postgresql_url) for run_id in run_ids]
        said = [messages(server, run_id) for run_id in run_ids]
        ticks = server.get("/api/v1/runs", job="tick", limit=500)["runs"]
        in_flight = eventually(lambda: not of_state(server, "counting", "RUNNING"))

    assert [(run["state"], run["reason"]) for run in runs] == [("SUCCEEDED", None)] * 4
    assert [run["steps"][0]["output"] for run in runs] == [{"lines": 150}] * 4
    for lines in said:
        assert [line for line in lines if line.startswith("line ")] == [
            f"line {number}" for number in range(150)
        ]
    due = sorted(run["scheduled_at"] for run in ticks)
    assert len(due) == len(set(due)) >= 3
    assert in_flight


BEATS = """
import time
from pathlib import Path

def beats(ctx, place, go_on):
    with open(place, "a") as beats:
        for number in range(10_000):
            ctx.log.info("beat %s", number)
            print(number, file=beats, flush=True)
            time.sleep(0.05)
            if Path(go_on).exists():
                return {"beats": number + 1}

def steady(ctx, **_):
    return {"attempt": ctx.attempt}
"""


@pytest.fixture
def own_postgresql() -> Iterator[PostgresqlServer]:
    """A server that the test may stop, because nobody else uses it."""
    try:
        with throwaway_postgresql() as server:
            yield server
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.slow
@pytest.mark.postgresql
def test_everything_goes_on_when_the_store_was_stopped_and_started_again(
    tmp_path: Path, own_postgresql: PostgresqlServer
) -> None:
    beats, go_on = tmp_path / "beats", tmp_path / "go on"
    params = {"place": str(beats), "go_on": str(go_on)}
    jobs = "".join(
        [
            a_python_job("beats", params=params, overlap="queue"),
            a_python_job("steady"),
            a_query_job("tick", "SELECT 1", interval="1s", overlap="allow"),
        ]
    )
    with own_postgresql.database() as url, ExitStack() as stack:
        store = f'[pools.default]\nurl = "{url}"\n'
        home = a_home(tmp_path / "home", jobs, connectors=store, plugins={"plugin.py": BEATS})
        with (home / "app.toml").open("a") as settings:
            settings.write("\n[runner]\ndead_after_seconds = 2\n")
        token = a_token(home)
        servers = [stack.enter_context(serving(home, token, name=name)) for name in ("one", "two")]
        in_flight, waiting = servers[0].run("beats"), servers[1].run("beats")
        eventually(lambda: of_state(servers[0], "tick", "SUCCEEDED"))
        eventually(lambda: beaten(beats) > 20)
        with own_postgresql.away():
            before = beaten(beats)
            eventually(lambda: beaten(beats) > before + 120, seconds=60)
            alive = [server.http.get("/health").status_code for server in servers]
            answers = [servers[0].http.get("/api/v1/runs"), run_now(servers[1], "steady")]
            go_on.touch()
        ends = [servers[0].ended(run_id, seconds=60) for run_id in (in_flight, waiting)]
        after = [server.ended(server.run("steady"), seconds=60) for server in servers]
        eventually(lambda: len(of_state(servers[0], "tick", "SUCCEEDED")) > 15, seconds=60)
        ticks = servers[0].get("/api/v1/runs", job="tick", limit=500)["runs"]
        said = messages(servers[0], in_flight)

    assert alive == [200, 200]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert [(run["state"], run["reason"]) for run in [*ends, *after]] == [("SUCCEEDED", None)] * 4
    assert [run["steps"][0]["attempts"] for run in ends] == [1, 1]
    lines = [line for line in said if line.startswith("beat ")]
    assert lines == [f"beat {number}" for number in range(ends[0]["steps"][0]["output"]["beats"])]
    due = sorted(datetime.fromisoformat(run["scheduled_at"]) for run in ticks)
    assert all(later - one == timedelta(seconds=1) for one, later in pairwise(due))


def beaten(beats: Path) -> int:
    return beats.read_text().count("\n") if beats.exists() else 0


def run_now(server: Server, job: str) -> httpx2.Response:
    return server.http.post(f"/api/v1/jobs/{job}/runs", content="{}")


def child_of(server: Server, run_id: int) -> int | None:
    """The process in which the endless step executes, once it does."""
    begun = [line.split()[-1] for line in messages(server, run_id) if line.startswith("begun")]
    return int(begun[0]) if begun else None


def ended_while_cut(server: Server, run_id: int, url: str) -> Any:
    """The run once it is final, the store's connections being cut all the while."""
    with psycopg.connect(url, autocommit=True) as connection:
        return eventually(lambda: cut(connection) and final(server, run_id), seconds=60)


def cut(connection: psycopg.Connection[Any]) -> bool:
    connection.execute(TERMINATE)
    return True


def final(server: Server, run_id: int) -> Any:
    answer = server.http.get(f"/api/v1/runs/{run_id}")
    if answer.status_code != 200 or answer.json()["state"] in {"QUEUED", "RUNNING"}:
        return None
    return answer.json()


def of_state(server: Server, job: str, state: str) -> Any:
    return server.get("/api/v1/runs", job=job, state=state)["runs"]


def messages(server: Server, run_id: int) -> list[str]:
    return [line["message"] for line in server.get(f"/api/v1/runs/{run_id}/logs")["lines"]]
