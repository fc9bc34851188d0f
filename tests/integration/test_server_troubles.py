"""A server among troubles: a full disk, homes that cannot be used, clients that ask too much."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.commands import Server, nomaflow, serving
from tests.homes import a_home, a_query_job, a_token
from tests.waiting import eventually

PLUGIN = """
import time
from pathlib import Path

def talk(ctx, go_on):
    for number in range(10_000):
        ctx.log.info("line %s", number)
        time.sleep(0.05)
        if Path(go_on).exists():
            return {"lines": number + 1}

def deep(ctx, levels):
    value = []
    for _ in range(levels):
        value = [value]
    return {"value": value}
"""
PYTHON = '[[jobs.steps]]\nname = "only"\ntype = "python"\ncallable = "plugin:{}"\n'
ASK = a_query_job("ask", "SELECT 1", overlap="allow")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of six megabytes; the test is skipped where nobody may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small disk takes the right to mount one")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_told_and_waited_for_and_nothing_is_lost(
    tmp_path: Path, small_disk: Path
) -> None:
    go_on = tmp_path / "go on"
    jobs = a_query_job("talk", params={"go_on": str(go_on)}) + PYTHON.format("talk")
    jobs += ASK + a_query_job("tick", "SELECT 1", interval="1s", overlap="allow")
    home = a_home(tmp_path / "home", jobs, plugins={"plugin.py": PLUGIN})
    shutil.move(home / "data", small_disk / "data")
    (home / "data").symlink_to(small_disk / "data")
    with serving(home, a_token(home)) as server:
        run_id = server.run("talk")
        eventually(lambda: server.get("/api/v1/runs", job="tick")["runs"])
        ballast = small_disk / "ballast"
        fill(ballast)
        refused = eventually(lambda: refusal(server))
        eventually(lambda: "disk is full" in server.command.err)
        alive = server.http.get("/health").status_code
        page = server.http.get("/api/v1/runs").status_code
        ballast.unlink()
        go_on.touch()
        run = server.ended(run_id, seconds=60)
        after = server.ended(server.run("ask"))
        ticks = eventually(lambda: more_ticks(server, run["finished_at"]))
        lines = server.get(f"/api/v1/runs/{run_id}/logs", limit=1000)["lines"]

    assert (alive, page) == (200, 200)
    assert refused["title"] == "Unreachable"
    assert "disk is full" in refused["detail"]
    assert (run["state"], after["state"]) == ("SUCCEEDED", "SUCCEEDED")
    said = [line["message"] for line in lines if line["message"].startswith("line ")]
    assert said == [f"line {number}" for number in range(run["steps"][0]["output"]["lines"])]
    due = sorted(datetime.fromisoformat(each["scheduled_at"]) for each in ticks)
    assert all(later - one == timedelta(seconds=1) for one, later in pairwise(due))
    assert "Traceback" not in server.command.err


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return


def refusal(server: Server) -> Any:
    """What a start is refused with, once it is."""
    answer = server.http.post("/api/v1/jobs/ask/runs")
    return answer.json() if answer.status_code == 503 else None


def more_ticks(server: Server, after: str) -> Any:
    found = server.get("/api/v1/runs", job="tick", limit=500)["runs"]
    return found if found[0]["scheduled_at"] > after else None


def test_a_store_that_cannot_be_used_is_named_with_what_to_do(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", ASK)
    store = home / "data" / "nomaflow.db"
    store.write_text("no database, but a text")
    damaged = nomaflow("jobs", "--home", home)
    shutil.rmtree(home / "data")
    (home / "data").write_text("no folder, but a file")
    blocked = [nomaflow(*command, "--home", home) for command in (["jobs"], ["serve"])]

    assert damaged.code == 4
    assert "file is not a database" in damaged.err
    assert [each.code for each in blocked] == [4, 4]
    for each in (damaged, *blocked):
        assert "Traceback" not in each.err
        assert str(home / "data") in each.err.replace("\n", "")


def test_a_home_cannot_be_made_where_a_file_stands(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    made = nomaflow("init", tmp_path / "taken")

    assert made.code == 2
    assert "File exists" in made.err
    assert "Traceback" not in made.err


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    jobs = ASK + a_query_job("deep", overlap="allow") + PYTHON.format("deep")
    folder = tmp_path_factory.mktemp("troubles") / "home"
    home = a_home(folder, jobs, plugins={"plugin.py": PLUGIN})
    with serving(home, a_token(home)) as server:
        yield server


def start(server: Server, content: Any) -> tuple[int, str]:
    answer = server.http.post("/api/v1/jobs/ask/runs", content=content)
    return answer.status_code, answer.json()["detail"]


def test_a_body_that_is_too_large_is_refused_however_it_is_sent(server: Server) -> None:
    large = b'{"params": {"a": "' + b"x" * 5_000_000 + b'"}}'
    whole = start(server, large)
    in_parts = start(server, iter([large[:1000], large[1000:]]))

    assert whole == in_parts == (413, "The body of a request may have at most 4 MiB.")


def test_values_that_are_too_large_or_too_deep_are_refused(server: Server) -> None:
    status, large = start(server, b'{"params": {"a": "' + b"x" * 300_000 + b'"}}')
    other, deep = start(server, b'{"params": {"a": ' + b"[" * 200 + b"]" * 200 + b"}}")

    assert status == other == 422
    assert "at most 262,144 characters" in large
    assert "at most 64 levels" in deep


@pytest.mark.parametrize("levels", [40, 300, 950, 5000])
def test_an_output_that_is_nested_deeply_can_be_shown(server: Server, levels: int) -> None:
    run = server.ended(server.run("deep", params={"levels": levels}))
    page = server.http.get("/api/v1/runs")

    assert run["state"] == "SUCCEEDED"
    assert ("truncated" in run["steps"][0]["output"]) is (levels > 60)
    assert page.status_code == 200


def test_a_second_server_on_the_port_says_so(server: Server, tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", ASK)
    second = nomaflow("serve", "--home", home, "--port", str(server.http.base_url.port))

    assert second.code == 4
    assert "Address already in use" in second.err
