"""Runs whose process is killed: they end as lost, or go on; targets are whole, old or new."""

import signal
from pathlib import Path

from tests.commands import serving
from tests.homes import a_home, a_query_job, a_token
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
