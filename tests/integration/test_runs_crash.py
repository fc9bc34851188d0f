"""Runs whose process is killed: they end as lost, or go on; targets are whole, old or new."""

import asyncio
import random
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.commands import nomaflow, serving, started
from tests.homes import a_home, a_query_job, a_token, ended, running
from tests.waiting import eventually

from nomaflow.domain.run import RunId
from nomaflow.domain.states import RunState

PLUGIN = """
import time
from pathlib import Path

def first(ctx, place):
    with open(place + "/first", "a") as file:
        file.write("x")
    return {"made": 7}

def second(ctx, place, made):
    ctx.log.info("second begun")
    if not Path(place, "go").exists():
        while True:
            time.sleep(0.02)
    return {"seen": made}
"""


def two_steps(place: Path) -> str:
    return (
        a_query_job("phoenix", on_crash="resume", params={"place": str(place)})
        + """
    [[jobs.steps]]
    name = "first"
    type = "python"
    callable = "plugin:first"
    [[jobs.steps]]
    name = "second"
    type = "python"
    callable = "plugin:second"
    op_kwargs = { made = "${out:first.made}" }
    """
    )


def test_a_killed_servers_run_goes_on_with_the_interrupted_step(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", two_steps(tmp_path), plugins={"plugin.py": PLUGIN})
    token = a_token(home)
    with serving(home, token) as server:
        run_id = server.run("phoenix")
        eventually(lambda: "second begun" in str(server.get(f"/api/v1/runs/{run_id}/logs")))
        server.command.signal(signal.SIGKILL)
        server.command.ended()
    (tmp_path / "go").touch()
    with serving(home, token, name="again") as server:
        run = server.ended(run_id)
        attempts = server.get(f"/api/v1/runs/{run_id}/attempts")["attempts"]

    assert (run["state"], run["reason"]) == ("SUCCEEDED", None)
    assert [step["output"] for step in run["steps"]] == [{"made": 7}, {"seen": 7}]
    assert (tmp_path / "first").read_text() == "x"
    assert [(each["step"], each["attempt"], each["state"]) for each in attempts] == [
        ("first", 1, "SUCCEEDED"),
        ("second", 1, "FAILED"),
        ("second", 2, "SUCCEEDED"),
    ]
    assert attempts[1]["error"]["type"] == "ProcessLost"


ENDLESS = """
import time

def endless(ctx):
    ctx.log.info("begun")
    while True:
        time.sleep(0.02)
"""


@pytest.mark.parametrize("signals", [1, 2], ids=["at the deadline", "at the second SIGTERM"])
def test_a_server_that_stops_cancels_the_runs_that_do_not_end(tmp_path: Path, signals: int) -> None:
    job = a_query_job("endless", overlap="allow")
    job += '[[jobs.steps]]\nname = "only"\ntype = "python"\ncallable = "plugin:endless"\n'
    home = a_home(tmp_path / "home", job, plugins={"plugin.py": ENDLESS})
    with (home / "app.toml").open("a") as settings:
        settings.write(f"\n[runner]\ndrain_seconds = {1 if signals == 1 else 600}\n")
    with serving(home, a_token(home)) as server:
        run_ids = [server.run("endless") for _ in range(2)]
        for run_id in run_ids:
            eventually(
                lambda run_id=run_id: "begun" in str(server.get(f"/api/v1/runs/{run_id}/logs"))
            )
        server.command.signal(signal.SIGTERM)
        server.command.said("Nomaflow stops")
        if signals == 2:
            server.command.signal(signal.SIGTERM)
        stopped = server.command.ended(seconds=30)
    runs = [nomaflow("show", str(run_id), "--home", home, "--json").json for run_id in run_ids]

    assert stopped.code == 0, stopped.err
    assert [run["state"] for run in runs] == ["CANCELED"] * 2
    assert [run["reason"] for run in runs] == ["cancelled by shutdown"] * 2
    assert [run["steps"][0]["state"] for run in runs] == ["CANCELED"] * 2


ROWS = 5_000
MOVE = """
[[jobs]]
id = "move"
on_crash = "resume"
[[jobs.steps]]
name = "copy"
type = "sql_copy"
source = { connector = "here", table = "orders" }
target = { connector = "there", table = "orders" }
batch_size = 500
[[jobs.steps]]
name = "append"
type = "sql_copy"
mode = "append"
source = { connector = "here", table = "orders" }
target = { connector = "there", table = "ledger" }
batch_size = 500
"""
POOLS = """
[pools.here]
url = "sqlite:///data/here.db"
[pools.there]
url = "sqlite:///data/there.db"
[connectors.here]
type = "sql"
pool = "here"
[connectors.there]
type = "sql"
pool = "there"
"""


@pytest.mark.slow
async def test_runs_that_are_killed_at_any_moment_lose_and_double_nothing(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", MOVE, connectors=POOLS)
    make_orders(home)
    chance = random.Random(20261122)
    async with running(home) as app:
        whole, _ = await ended(app, "move")
    assert whole.started_at is not None
    assert whole.finished_at is not None
    length = (whole.finished_at - whole.started_at).total_seconds()
    for number in range(2, 22):
        execute(home, "here", f"UPDATE orders SET version = {number}")
        with started("run", "move", "--wait", "--home", home, files=tmp_path / "run") as command:
            eventually(lambda n=number: begun(home) >= n)
            await asyncio.sleep(chance.uniform(0, 0.7 * length))
            command.signal(signal.SIGKILL)
            command.ended()
        seen = execute(home, "there", "SELECT version, count(*) FROM orders GROUP BY version")
        assert seen in ([(number - 1, ROWS)], [(number, ROWS)])
        async with running(home) as app:
            run = await app.runs.wait(RunId(number), seconds=60)

        assert (run.state, run.reason) == (RunState.SUCCEEDED, None)
        copied = execute(home, "there", "SELECT version, count(*) FROM orders GROUP BY version")
        assert copied == [(number, ROWS)]
        ledger = execute(home, "there", "SELECT version, count(*) FROM ledger GROUP BY version")
        assert ledger == [(each, ROWS) for each in range(1, number + 1)]
        assert execute(home, "nomaflow", UNENDED) == [(0,)]


UNENDED = "SELECT count(*) FROM ly2_step_runs WHERE state IN ('RUNNING', 'PENDING')"


def make_orders(home: Path) -> None:
    (home / "data").mkdir(exist_ok=True)
    execute(home, "here", "CREATE TABLE orders (id INTEGER, version INTEGER, word TEXT)")
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
    execute(home, "here", f"INSERT INTO orders {numbers} SELECT i, 1, 'word ' || i FROM n")


def begun(home: Path) -> int:
    """The newest run that began."""
    [(run_id,)] = execute(home, "nomaflow", "SELECT max(id) FROM ly2_job_runs WHERE attempt > 0")
    return int(run_id)


def execute(home: Path, database: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(home / "data" / f"{database}.db", timeout=30)) as connection:
        rows = connection.execute(statement).fetchall()
        connection.commit()
        return rows
