"""Runs whose process is killed: they end as lost, or go on; targets are whole, old or new."""

import random
import signal
from pathlib import Path

import pytest
from tests.commands import nomaflow, serving
from tests.homes import a_home, a_query_job, a_token
from tests.kills import Ground, by_cut, by_sleep, kills, on_postgresql, on_sqlite
from tests.waiting import eventually

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


@pytest.fixture(params=["sqlite", "postgresql"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Ground:
    if request.param == "sqlite":
        return on_sqlite(tmp_path / "home")
    return on_postgresql(request.getfixturevalue("postgresql_url"))


@pytest.mark.slow
def test_runs_that_are_killed_at_any_moment_lose_and_double_nothing(
    tmp_path: Path, ground: Ground
) -> None:
    hits = [kill.step for kill in kills(tmp_path, ground, 20, random.Random(20261122))]

    assert sum(step is not None for step in hits) > 10, hits
    assert {"copy", "append"} <= set(hits)


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.parametrize("harm", ["sleep", "cut"])
def test_a_frozen_server_and_cut_connections_lose_and_double_nothing_either(
    tmp_path: Path, postgresql_url: str, harm: str
) -> None:
    strike = by_sleep if harm == "sleep" else by_cut(postgresql_url)
    ground, chance = on_postgresql(postgresql_url), random.Random(20261122)
    hits = [kill.step for kill in kills(tmp_path, ground, 6, chance, strike)]

    assert {"copy", "append"} <= set(hits)
