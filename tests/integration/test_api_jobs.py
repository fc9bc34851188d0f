"""Jobs over HTTP: their newest runs, what runs now, and starting one exactly once."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from tests.commands import Server, serving
from tests.homes import a_home, a_query_job
from tests.waiting import eventually

from nomaflow.app import App

JOBS = f"""
{a_query_job("quick", "SELECT 1", "SELECT 2")}
{a_query_job("bad", "SELECT 1", schedule="0 0 31 2 *")}

[[jobs]]
id = "long"
params = {{ password = "hidden", region = "EU" }}
[[jobs.steps]]
name = "begin"
type = "sql_query"
connector = "default"
query = "SELECT 1"
[[jobs.steps]]
name = "sleep"
type = "python"
callable = "plugin:sleep"
"""
PLUGIN = """
import time

def sleep(ctx, **params):
    ctx.progress(3, 12)
    while not ctx.is_cancelled():
        time.sleep(0.02)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = a_home(tmp_path_factory.mktemp("jobs") / "home", JOBS, plugins={"plugin.py": PLUGIN})
    with serving(home, asyncio.run(token_of(App.build(home)))) as server:
        yield server


async def token_of(app: App) -> str:
    async with app.store():
        return (await app.access.create_token("tests")).reveal()


def start(server: Server, job: str, key: str | None = None, **options: Any) -> httpx2.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return server.http.post(f"/api/v1/jobs/{job}/runs", json=options, headers=headers)


def test_a_run_that_is_waited_for_is_answered_with_its_end(server: Server) -> None:
    ended = server.http.post("/api/v1/jobs/quick/runs?wait=20")
    long = server.http.post("/api/v1/jobs/long/runs?wait=0.2")
    server.http.post(f"/api/v1/runs/{long.json()['run_id']}/cancel")

    assert (ended.status_code, ended.json()["state"]) == (200, "SUCCEEDED")
    assert ended.json() == server.get(f"/api/v1/runs/{ended.json()['run_id']}")
    assert (long.status_code, list(long.json())) == (202, ["run_id"])


def test_calls_with_one_key_start_one_run_also_at_once_and_after_its_end(server: Server) -> None:
    with ThreadPoolExecutor(8) as at_once:
        answers = list(at_once.map(lambda _: start(server, "quick", "one"), range(8)))
    run_id = answers[0].json()["run_id"]
    server.ended(run_id)
    again = start(server, "quick", "one")
    other = start(server, "quick", "two")
    server.ended(other.json()["run_id"])

    assert {answer.status_code for answer in answers} == {202}
    assert {answer.json()["run_id"] for answer in [*answers, again]} == {run_id}
    assert other.json()["run_id"] != run_id


def test_a_key_is_refused_for_another_request(server: Server) -> None:
    run_id = start(server, "quick", "three").json()["run_id"]
    server.ended(run_id)
    answers = [
        start(server, "quick", "three", step_enabled={"step-1": False}),
        start(server, "long", "three"),
    ]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert f"run {run_id}" in answers[0].json()["detail"]
    assert start(server, "quick", "with space").status_code == 422


def test_a_job_shows_its_newest_runs_the_newest_last(server: Server) -> None:
    path = "/api/v1/jobs/quick/runs?wait=20"
    ids = [server.http.post(path).json()["run_id"] for _ in range(22)]
    (row,) = (row for row in server.get("/api/v1/jobs")["jobs"] if row["job_id"] == "quick")
    (three,) = (
        row for row in server.get("/api/v1/jobs", recent=3)["jobs"] if row["job_id"] == "quick"
    )

    assert [run["run_id"] for run in row["recent_runs"]] == ids[-20:]
    assert [run["run_id"] for run in three["recent_runs"]] == ids[-3:]
    assert {run["state"] for run in row["recent_runs"]} == {"SUCCEEDED"}
    assert all(run["seconds"] >= 0 for run in row["recent_runs"])
    assert row["running"] is None


def test_a_busy_job_shows_the_step_that_it_is_at(server: Server) -> None:
    run_id = server.run("long")
    running = eventually(lambda: with_progress(server.get("/api/v1/jobs/long")))
    listed = {row["job_id"]: row for row in server.get("/api/v1/jobs")["jobs"]}
    server.http.post(f"/api/v1/runs/{run_id}/cancel")
    server.ended(run_id)

    assert running == {
        "run_id": run_id, "step": "sleep", "number": 2, "steps": 2, "done": 3, "total": 12,
    }  # fmt: skip
    assert listed["long"]["running"] == running
    assert server.get("/api/v1/jobs/long")["running"] is None


def with_progress(job: Any) -> Any:
    return job["running"] if job["running"] and job["running"]["done"] else None


def test_a_job_shows_its_definition_without_its_secrets(server: Server) -> None:
    job = server.get("/api/v1/jobs/long")
    broken = server.get("/api/v1/jobs/bad")

    assert job["definition"]["params"] == {"password": "***", "region": "EU"}
    assert [step["name"] for step in job["definition"]["steps"]] == ["begin", "sleep"]
    assert broken["problems"][0]["field"] == "schedule"
    assert server.http.get("/api/v1/jobs/nobody").status_code == 404
