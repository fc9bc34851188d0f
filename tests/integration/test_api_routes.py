"""The HTTP interface of a real server: who may call, what is answered, what is refused."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.commands import Server, nomaflow, serving
from tests.homes import a_home, a_query_job
from tests.waiting import eventually

from nomaflow.app import App
from nomaflow.domain.job import JobId
from nomaflow.domain.run import SCHEDULE, NewRun
from nomaflow.domain.states import RunState

OLD_RUNS = 120
PRUNE = "_internal-prune-runs"
JOBS = f"""
{a_query_job("good", "SELECT 1", "SELECT 2", "SELECT 3")}
{a_query_job("sad", "SELECT * FROM nowhere")}
{a_query_job("bad", "SELECT 1", schedule="0 0 31 2 *")}
{a_query_job("later", "SELECT 1", schedule="0 2 * * *", timezone="Europe/Paris")}

[[jobs]]
id = "typed"
params = {{ n = 1 }}
[[jobs.steps]]
name = "show"
type = "python"
callable = "plugin:show"

[[jobs]]
id = "sleeper"
[[jobs.steps]]
name = "sleep"
type = "python"
callable = "plugin:sleep"
"""
PLUGIN = """
import time

def show(ctx, **params):
    ctx.log.debug("at debug")
    return params

def sleep(ctx):
    ctx.log.info("sleeping")
    while not ctx.is_cancelled():
        time.sleep(0.02)
    raise SystemExit("asked to stop")
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_home(tmp_path_factory.mktemp("api") / "home", JOBS, plugins={"plugin.py": PLUGIN})


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    """A server whose history has old runs of the job `later`: each third one MISSED."""
    token = asyncio.run(history_of(App.build(home)))
    with serving(home, token) as server:
        yield server


async def history_of(app: App) -> str:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    async with app.store():
        for number in range(OLD_RUNS):
            run = NewRun(
                JobId("later"),
                triggered_by="cron",
                trigger_id=SCHEDULE,
                scheduled_at=start + timedelta(days=number),
                state=RunState.SKIPPED if number % 3 else RunState.MISSED,
                reason=f"reason {number}",
            )
            await app.queue.enqueue(run, overlap="allow")
        await app.access.create_token("revoked")
        await app.access.revoke("revoked")
        return (await app.access.create_token("tests")).reveal()


def test_health_is_open_and_every_other_route_asks_for_a_token_in_force(server: Server) -> None:
    routes = [
        (path.replace("{job_id}", "good").replace("{run_id}", "1"), method)
        for path, method in documented(server)
        if path.startswith("/api/")
    ]

    assert len(routes) > 8
    with httpx2.Client(base_url=server.http.base_url) as anyone:
        assert [anyone.get(path).status_code for path in ("/health", "/ready")] == [200, 200]
        for path, method in routes:
            for header in (None, "Bearer", "Bearer wrong", f"Basic {server.token}", "Bearer é"):
                raw = [] if header is None else [(b"authorization", header.encode())]
                answer = anyone.request(method, path, headers=raw)
                assert answer.status_code == 401, (method, path, header)
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["status"] == 401


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"unknown": 1}', b"\xff" * 3_000_000])
def test_a_stranger_hears_of_the_token_whatever_the_body_is(server: Server, body: bytes) -> None:
    told = {"content-type": "application/json"}
    with httpx2.Client(base_url=server.http.base_url, headers=told) as stranger:
        answers = {
            (path, method): stranger.request(method, path, content=body, params={"limit": "x"})
            for path, method in documented(server)
            if path.startswith("/api/")
        }

    assert len(answers) > 8
    assert {key: answer.status_code for key, answer in answers.items()} == dict.fromkeys(
        answers, 401
    )


def test_a_revoked_token_opens_nothing(server: Server, home: Path) -> None:
    token = nomaflow("tokens", "create", "short", "--home", home).out.strip()
    headers = {"Authorization": f"Bearer {token}"}
    before = server.http.get("/api/v1/jobs", headers=headers)
    nomaflow("tokens", "revoke", "short", "--home", home)

    assert before.status_code == 200
    eventually(
        lambda: server.http.get("/api/v1/jobs", headers=headers).status_code == 401, seconds=2
    )


def test_jobs_are_listed_with_their_next_due_time_and_broken_ones_with_problems(
    server: Server, home: Path
) -> None:
    rows = {row["job_id"]: row for row in server.get("/api/v1/jobs")["jobs"]}
    in_the_shell = nomaflow("jobs", "--home", home, "--json").json["jobs"]

    assert list(rows) == ["good", "sad", "later", "typed", "sleeper", PRUNE, "bad"]
    assert rows["later"]["next_due_at"] is not None
    assert rows["later"]["last_run"]["state"] == "SKIPPED"
    assert rows["good"]["next_due_at"] is None
    assert rows["bad"]["problems"][0]["field"] == "schedule"
    assert [row["job_id"] for row in in_the_shell] == list(rows)
    assert in_the_shell[-1]["problems"] == rows["bad"]["problems"]


def test_a_run_by_hand_takes_its_options_and_looks_as_in_the_shell(
    server: Server, home: Path
) -> None:
    first = server.run("typed", params={"n": 2}, op_kwargs={"show": {"a": [1]}}, log_level="DEBUG")
    second = server.run("good", step_enabled={"step-2": False})
    run = server.ended(first)
    states = [step["state"] for step in server.ended(second)["steps"]]
    lines = server.get(f"/api/v1/runs/{first}/logs")["lines"]
    shown = nomaflow("show", str(first), "--home", home, "--json").json

    assert run["steps"][0]["output"] == {"n": 2, "a": [1]}
    assert run["params"] == {"n": 2}
    assert run["triggered_by"] == "api:tests"
    assert run == shown
    assert "at debug" in [line["message"] for line in lines]
    assert states == ["SUCCEEDED", "CANCELED", "SUCCEEDED"]


def test_a_log_is_searched_and_downloaded(server: Server) -> None:
    run_id = server.run("typed", log_level="DEBUG")
    server.ended(run_id)
    path = f"/api/v1/runs/{run_id}/logs"
    whole = server.get(path)["lines"]
    found = server.get(path, q="AT DEBUG", count=True)
    last = server.get(path, tail=True, limit=1, before=whole[-1]["seq"])
    download = server.http.get(f"/api/v1/runs/{run_id}/log")

    assert [line["message"] for line in found["lines"]] == ["at debug"]
    assert found["count"] == 1
    assert last["lines"] == [whole[-2]]
    assert server.get(path, step="show", level="WARNING", count=True) == {"lines": [], "count": 0}
    assert download.headers["content-type"] == "text/plain; charset=utf-8"
    assert f'filename="run-{run_id}.log"' in download.headers["content-disposition"]
    assert len(download.text.splitlines()) == len(whole)
    assert "DEBUG   [show #1] at debug\n" in download.text


def test_a_run_without_a_body_is_started_and_its_log_can_be_read_in_parts(server: Server) -> None:
    answer = server.http.post("/api/v1/jobs/good/runs")
    run_id = answer.json()["run_id"]
    server.ended(run_id)
    path = f"/api/v1/runs/{run_id}/logs"
    whole = server.get(path)["lines"]
    part = server.get(path, after=whole[1]["seq"], limit=2)["lines"]

    assert answer.status_code == 202
    assert [line["seq"] for line in whole] == sorted(line["seq"] for line in whole)
    assert part == whole[2:4]
    assert server.get(path, after=whole[-1]["seq"]) == {"lines": []}
    assert {"seq", "at", "level", "step", "attempt", "message"} <= whole[0].keys()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"param": {}}', "param"),
        ('{"params": 7}', "params"),
        ('{"op_kwargs": {"show": 7}}', "op_kwargs"),
        ('{"step_enabled": {"show": "perhaps"}}', "step_enabled"),
        ('{"log_level": "LOUD"}', "log_level"),
        ('{"params": {"n": NaN}', "JSON"),
        ("[]", "body"),
        ("{", "JSON"),
    ],
)
def test_a_body_that_does_not_fit_is_422_and_names_the_field(
    server: Server, body: str, field: str
) -> None:
    answer = server.http.post(
        "/api/v1/jobs/typed/runs", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in answer.text


def test_a_job_that_cannot_run_says_why(server: Server) -> None:
    unknown = server.http.post("/api/v1/jobs/nobody/runs")
    broken = server.http.post("/api/v1/jobs/bad/runs")
    step = server.http.post("/api/v1/jobs/good/runs", json={"step_enabled": {"step-9": True}})

    assert (unknown.status_code, broken.status_code, step.status_code) == (404, 422, 404)
    assert broken.json()["problems"][0]["field"] == "schedule"
    assert "step-9" in step.json()["detail"]


def test_a_busy_job_is_409_with_the_run_in_flight_which_can_be_canceled_once(
    server: Server,
) -> None:
    run_id = server.run("sleeper")
    busy = server.http.post("/api/v1/jobs/sleeper/runs")
    canceled = server.http.post(f"/api/v1/runs/{run_id}/cancel")
    run = server.ended(run_id, seconds=5)
    again = server.http.post(f"/api/v1/runs/{run_id}/cancel")

    assert (busy.status_code, busy.json()["run_id"]) == (409, run_id)
    assert canceled.status_code == 202
    assert (run["state"], run["reason"]) == ("CANCELED", "cancelled by api:tests")
    assert again.status_code == 409


def test_pages_follow_each_other_and_no_run_is_lost_or_doubled(server: Server) -> None:
    found: list[int] = []
    query: dict[str, Any] = {"job": "later", "limit": 7}
    while True:
        page = server.get("/api/v1/runs", **query)
        found += [run["run_id"] for run in page["runs"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert len(found) == OLD_RUNS
    assert found == sorted(set(found), reverse=True)


def test_runs_are_filtered_by_state_time_and_text(server: Server) -> None:
    def count(**query: Any) -> int:
        return len(server.get("/api/v1/runs", job="later", limit=500, **query)["runs"])

    assert count(state="MISSED") == OLD_RUNS // 3
    assert count(state=["MISSED", "SKIPPED"]) == OLD_RUNS
    assert count(q="reason 11") == 11
    assert count(q="REASON 119") == 1
    assert count(q="100%") == 0
    assert count(since="2026-01-01T00:00:00Z") == OLD_RUNS
    assert count(until="2026-01-01T00:00:00") == 0
    assert count(since="9999-12-31T23:59:59+14:00") == 0
    assert len(server.get("/api/v1/runs", job="nobody")["runs"]) == 0


@pytest.mark.parametrize(
    "query",
    [
        "cursor=nonsense", "cursor=", "cursor=%F0%9F%90%A6", "cursor=%00",
        "cursor=YmVmb3JlIDk5OTk5OTk5OTk5OTk5OTk5OTk5", "limit=0", "limit=-1", "limit=501",
        "limit=many", "state=DONE", "since=yesterday", "since=0001-01-01T00:00:00%2B14:00",
        "until=9999-12-31T23:59:59-14:00", "q=%00", "job=%00", "job=%F0%9F%90%A6",
        "q=%25_%5C'%22", f"q={'9' * 40}", f"q={'x' * 3000}",
    ],
)  # fmt: skip
def test_a_strange_query_never_breaks_the_server(server: Server, query: str) -> None:
    answer = server.http.get(f"/api/v1/runs?{query}")

    assert answer.status_code in {200, 400, 409, 422}, answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/runs/abc", f"/runs/{10**30}", "/runs/-1", "/runs/0", "/runs/1e3", "/runs/%00", "/runs/",
        "/runs/9223372036854775808", f"/runs/{10**30}/logs", "/runs/abc/logs", "/runs/1/nothing",
        "/runs/%D9%A1", "/runs/1%2F..%2F2", "/runs/999999/logs", "/runs/abc/attempts",
        "/runs/1/logs?after=-1", f"/runs/1/logs?after={10**30}", "/runs/1/logs?limit=0", "/nothing",
        "//",
    ],
)  # fmt: skip
def test_a_strange_path_is_not_found_and_never_breaks_the_server(server: Server, path: str) -> None:
    for method in ("GET", "POST", "DELETE", "HEAD"):
        answer = server.http.request(method, f"/api/v1{path}")
        assert 400 <= answer.status_code < 500 or answer.status_code == 307, answer.text


@pytest.mark.parametrize(
    "job", ["%F0%9F%90%A6", "a%2Fb", "%00", "%2e%2e", "x" * 3000, "a%20b", "'%3B--"]
)
def test_a_strange_job_is_not_found(server: Server, job: str) -> None:
    assert server.http.post(f"/api/v1/jobs/{job}/runs").status_code == 404


def test_the_openapi_document_fits_the_routes(server: Server) -> None:
    document = server.get("/api/v1/openapi.json")

    assert document["info"]["title"] == "Nomaflow"
    assert {method for _, method in documented(server)} <= {"get", "post", "delete"}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description") or operation.get("summary"), (path, method)


def documented(server: Server) -> list[tuple[str, str]]:
    paths = server.get("/api/v1/openapi.json")["paths"]
    return [(path, method) for path, methods in paths.items() for method in methods]
