"""Time and figures over HTTP: past and future of the schedules, previews, metrics."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from tests.commands import Server, nomaflow, serving
from tests.homes import a_home, a_query_job
from tests.waiting import eventually

from nomaflow.app import App

JOBS = f"""
{a_query_job("quick", "SELECT 1")}
{a_query_job("hourly", "SELECT 1", schedule="0 * * * *", timezone="Asia/Kathmandu")}
{a_query_job("every-six", "SELECT 1", interval="6h")}
{a_query_job("off", "SELECT 1", schedule="* * * * *", enabled=False)}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_home(tmp_path_factory.mktemp("schedule") / "home", JOBS)


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with serving(home, asyncio.run(token_of(App.build(home)))) as server:
        yield server


async def token_of(app: App) -> str:
    async with app.store():
        return (await app.access.create_token("tests")).reveal()


def test_a_window_holds_what_ran_and_what_comes_in_order(server: Server) -> None:
    run_id = server.http.post("/api/v1/jobs/quick/runs?wait=20").json()["run_id"]
    now = datetime.now(UTC)
    until = (now + timedelta(hours=25)).isoformat()
    window = server.get("/api/v1/schedule", until=until)
    coming = [due["due_at"] for due in window["due"]]
    jobs = [due["job_id"] for due in window["due"]]

    assert run_id in [run["run_id"] for run in window["runs"]]
    assert coming == sorted(coming)
    assert {jobs.count("hourly"), jobs.count("every-six")} <= {25, 4, 5}
    assert "off" not in jobs
    assert all(datetime.fromisoformat(at) > now - timedelta(seconds=5) for at in coming)
    assert all(
        at[14:19] == "15:00" for at, job in zip(coming, jobs, strict=True) if job == "hourly"
    )


def test_a_window_is_cut_off_after_its_limit_and_says_so(server: Server) -> None:
    window = server.get("/api/v1/schedule", limit=3)
    past = server.get("/api/v1/schedule", since="2020-01-01", until="2020-01-02")

    assert (len(window["due"]), window["has_more_due"]) == (3, True)
    assert (past["runs"], past["due"], past["has_more_due"]) == ([], [], False)


@pytest.mark.parametrize(
    "query", ["since=2026-01-02&until=2026-01-01", "since=2020-01-01&until=2026-01-01"]
)
def test_a_window_that_is_none_is_refused(server: Server, query: str) -> None:
    assert server.http.get(f"/api/v1/schedule?{query}").status_code == 409


def test_a_preview_is_that_of_the_shell(server: Server) -> None:
    zone, start, expression = "Europe/Paris", "2026-03-28T00:00:00Z", "30 2 * * *"
    query = {"expression": expression, "timezone": zone, "from": start, "count": 3}
    shown = server.get("/api/v1/schedule/preview", **query)
    in_the_shell = nomaflow(
        "schedule", "preview", expression, "--timezone", zone, "--from", start, "--count", "3",
        "--json",
    )  # fmt: skip

    assert shown == json.loads(in_the_shell.out)
    assert shown["fires"][1] == "2026-03-29T03:00:00+02:00"
    assert "does not exist" in shown["remarks"][0]


@pytest.mark.parametrize(
    ("expression", "zone", "field"),
    [
        ("0 0 31 2 *", "UTC", "schedule"),
        ("nonsense", "UTC", "schedule"),
        ("0 0 * * *", "Europe/Pariss", "timezone"),
        ("0 0 1--100000000 * *", "UTC", "schedule"),
    ],
)
def test_an_expression_that_cannot_be_used_names_its_field(
    server: Server, expression: str, zone: str, field: str
) -> None:
    query = {"expression": expression, "timezone": zone}
    answer = server.http.get("/api/v1/schedule/preview", params=query)

    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == field


def test_the_figures_count_runs_of_this_and_of_other_processes(server: Server, home: Path) -> None:
    before = figures(server)
    server.http.post("/api/v1/jobs/quick/runs?wait=20")
    nomaflow("run", "quick", "--home", home)
    sample = 'nomaflow_runs_total{job="quick",state="SUCCEEDED"}'
    seconds = 'nomaflow_run_seconds_count{job="quick"}'
    after = eventually(
        lambda: now if (now := figures(server))[sample] - before.get(sample, 0) == 2 else None
    )

    assert after[seconds] - before.get(seconds, 0) == 2
    assert after["nomaflow_runs_running"] == after["nomaflow_runs_queued"] == 0
    assert after["process_resident_memory_bytes"] > 1e6
    assert any(name.startswith("nomaflow_info{") for name in after)
    assert "nomaflow_fire_lateness_seconds_count" in after


def test_the_figures_need_a_token_unless_they_are_open(server: Server, tmp_path: Path) -> None:
    home = a_home(tmp_path / "home")
    app_toml = home / "app.toml"
    app_toml.write_text(app_toml.read_text().replace("[server]", "[server]\nmetrics_open = true"))

    assert httpx2.get(f"{server.http.base_url}/metrics").status_code == 401
    with serving(home, "none") as other:
        assert httpx2.get(f"{other.http.base_url}/metrics").status_code == 200


def figures(server: Server) -> dict[str, float]:
    text = server.http.get("/metrics").text
    samples = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}
