"""A server that is killed while one job has called another."""

import signal
from pathlib import Path

import pytest
from tests.commands import serving
from tests.homes import a_home, a_token
from tests.waiting import eventually

PLUGIN = """
    import time
    from pathlib import Path

    def wait(ctx, place):
        ctx.log.info("waiting")
        with open(place + "/begun", "a") as file:
            file.write("x")
        while not Path(place, "go").exists():
            time.sleep(0.02)
"""


def jobs(place: Path, inner_fields: str) -> str:
    return f"""
        [[jobs]]
        id = "outer"
        on_crash = "resume"
        [[jobs.steps]]
        name = "call"
        type = "call_job"
        job = "inner"

        [[jobs]]
        id = "inner"
        {inner_fields}
        [[jobs.steps]]
        name = "wait"
        type = "python"
        callable = "plugin:wait"
        op_kwargs = {{ place = "{place}" }}
    """


@pytest.mark.parametrize(
    ("inner_fields", "runs"),
    [('on_crash = "resume"', 1), ('on_crash = "fail"', 2)],
    ids=["the called run goes on", "the called run is lost"],
)
def test_the_caller_goes_on_with_what_became_of_the_called_run(
    tmp_path: Path, inner_fields: str, runs: int
) -> None:
    home = a_home(tmp_path / "home", jobs(tmp_path, inner_fields), plugins={"plugin.py": PLUGIN})
    with (home / "app.toml").open("a") as settings:
        settings.write("\n[runner]\nmax_concurrent_runs = 1\n")
    token = a_token(home)
    with serving(home, token) as server:
        outer = server.run("outer")
        eventually((tmp_path / "begun").exists)
        server.command.signal(signal.SIGKILL)
        server.command.ended()
    (tmp_path / "go").touch()
    with serving(home, token, name="again") as server:
        run = server.ended(outer)
        called = server.get("/api/v1/runs", job="inner")["runs"]

    assert run["state"] == "SUCCEEDED"
    (step,) = run["steps"]
    assert step["attempts"] == 2
    assert len(called) == runs
    assert called[0]["state"] == "SUCCEEDED"
    assert step["output"] == {"run_id": called[0]["run_id"], "state": "SUCCEEDED"}
    assert (tmp_path / "begun").read_text() == "xx"
