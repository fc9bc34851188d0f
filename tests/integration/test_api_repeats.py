"""Resume, replay, retries, pause and why over HTTP: what is begun, what is refused and how."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.commands import Server, serving
from tests.homes import a_home, a_query_job, a_token

JOBS = "".join(
    [
        a_query_job("chain", "SELECT 1", "SELECT * FROM missing", overlap="allow"),
        a_query_job("make", "CREATE TABLE missing (n INTEGER)"),
        a_query_job("drop", "DROP TABLE missing"),
        a_query_job("ask", "SELECT :a, :b", params={"a": 1, "b": 2}),
        a_query_job("yearly", "SELECT 1", schedule="0 0 1 1 *", timezone="UTC"),
    ]
)
ABSENT = 987654


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = a_home(tmp_path_factory.mktemp("repeats") / "home", JOBS)
    with serving(home, a_token(home)) as server:
        yield server


@pytest.fixture
def failed(server: Server) -> Any:
    """A run whose second step failed."""
    run = server.ended(server.run("chain"))
    assert run["state"] == "FAILED"
    return run


def post(server: Server, path: str, content: str = "{}") -> tuple[int, Any]:
    answer = server.http.post(f"/api/v1{path}", content=content)
    return answer.status_code, answer.json()


def test_a_failed_run_is_resumed_from_its_failed_step(server: Server, failed: Any) -> None:
    server.ended(server.run("make"))
    status, answer = post(server, f"/runs/{failed['run_id']}/resume")
    run = server.ended(answer["run_id"])
    server.ended(server.run("drop"))
    again, refused = post(server, f"/runs/{run['run_id']}/resume")

    assert status == 202
    assert (run["state"], run["triggered_by"]) == ("SUCCEEDED", f"resume:{failed['run_id']}")
    assert run["steps"][0] == failed["steps"][0]
    assert again == 409
    assert "only a failed or canceled run is resumed" in refused["detail"]


def test_a_run_is_replayed_with_edits(server: Server) -> None:
    old = server.ended(server.run("ask", params={"a": 7}))
    status, answer = post(server, f"/runs/{old['run_id']}/replay", '{"params": {"b": 8}}')
    run = server.ended(answer["run_id"])
    bare, again = post(server, f"/runs/{old['run_id']}/replay", "")

    assert status == bare == 202
    assert (run["params"], run["triggered_by"]) == ({"a": 7, "b": 8}, f"replay:{old['run_id']}")
    assert server.ended(again["run_id"])["params"] == {"a": 7, "b": 2}


def test_failed_runs_are_retried_by_filter_and_each_is_answered(
    server: Server, failed: Any
) -> None:
    status, answer = post(server, "/retries", '{"job": "chain", "limit": 1}')
    [retried] = answer["runs"]
    run = server.ended(retried["new_run_id"])
    _, nobody = post(server, "/retries", '{"job": "make", "from_start": true}')

    assert status == 202
    assert (retried["run_id"], retried["refused"]) == (failed["run_id"], None)
    assert run["triggered_by"] == f"resume:{failed['run_id']}"
    assert nobody == {"runs": []}


@pytest.mark.parametrize("act", ["resume", "replay", "cancel"])
def test_a_run_that_does_not_exist_is_not_found(server: Server, act: str) -> None:
    status, problem = post(server, f"/runs/{ABSENT}/{act}")
    assert (status, problem["detail"]) == (404, f"There is no run {ABSENT}.")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/retries", '{"state": ["LOST"]}', "state"),
        ("/retries", '{"limit": 0}', "limit"),
        ("/retries", '{"jobs": "chain"}', "jobs"),
        ("/runs/1/resume", '{"confirm": "yes"}', "confirm"),
        ("/runs/1/replay", '{"params": []}', "params"),
        ("/pause", '{"reason": ""}', "reason"),
        ("/pause", '{"until": "tomorrow"}', "until"),
        ("/pause", '{"exceptions": "chain"}', "exceptions"),
    ],
)
def test_a_body_that_does_not_fit_names_its_field(
    server: Server, path: str, body: str, field: str
) -> None:
    status, problem = post(server, path, body)
    assert status == 422
    assert field in str(problem)


def test_runs_that_did_not_fail_are_not_retried(server: Server) -> None:
    status, problem = post(server, "/retries", '{"state": ["SUCCEEDED"]}')
    assert (status, problem["detail"]) == (409, "Only failed and canceled runs are retried.")


def test_a_pause_is_begun_shown_replaced_and_ended_once(server: Server) -> None:
    begun, first = post(server, "/pause", '{"reason": "upgrade", "exceptions": ["ask"]}')
    _, second = post(server, "/pause", '{"reason": "still"}')
    shown = server.get("/api/v1/pause")["pause"]
    ended = [server.http.delete("/api/v1/pause").status_code for _ in range(2)]

    assert (begun, first["reason"], first["exceptions"]) == (201, "upgrade", ["ask"])
    assert shown == second
    assert ended == [200, 409]
    assert server.get("/api/v1/pause") == {"pause": None}


def test_an_unknown_job_is_no_exception_of_a_pause(server: Server) -> None:
    status, problem = post(server, "/pause", '{"exceptions": ["nowhere"]}')
    assert (status, "nowhere" in problem["detail"]) == (404, True)


def test_why_is_answered_for_a_due_time_and_for_now(server: Server) -> None:
    now = server.get("/api/v1/jobs/yearly/why")
    then = server.get("/api/v1/jobs/yearly/why", at="2031-06-01T00:00:00+02:00")

    assert now["schedules"][0]["next_due_at"].endswith("-01-01T00:00:00.000Z")
    assert then["at"] == "2031-05-31T22:00:00.000Z"
    assert then["runs"] == []
    assert server.http.get("/api/v1/jobs/nowhere/why").status_code == 404
    for at in ("soon", "7", "-1", "1.3e-56", "1e9", "2026"):
        assert server.http.get(f"/api/v1/jobs/yearly/why?at={at}").status_code == 422, at
