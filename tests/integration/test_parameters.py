"""Declared parameters from the form to the step: typed, checked, secret where they are to be."""

import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.commands import Server, nomaflow, serving
from tests.fakes import FakeClock
from tests.homes import a_home, a_token

from nomaflow.app import App
from nomaflow.domain.run import RunId, RunOptions
from nomaflow.security.run_options import unpack

JOBS = """
[[jobs]]
id = "report"
timezone = "Europe/Paris"
params = { day = "${ctx:yesterday}", copies = 1, free = [1, 2], switch = true }

[jobs.params_schema.day]
type = "date"
label = "Day"
description = "The day to report on."
[jobs.params_schema.copies]
type = "integer"
min = 1
max = 9
[jobs.params_schema.region]
type = "choice"
required = true
choices = ["EU", { value = "US", label = "States" }]
[jobs.params_schema.customer]
choices = { connector = "default", query = "SELECT 'c' || n, 'No ' || n FROM customers" }
[jobs.params_schema.broken]
choices = { connector = "default", query = "SELECT * FROM nowhere" }
[jobs.params_schema.endless]
choices = { connector = "default", query = "endless" }
[jobs.params_schema.key]
secret = true
min = 8
[jobs.params_schema.since]
type = "datetime"

[[jobs.presets]]
name = "two"
params = { copies = 2, region = "EU", day = 2026-03-01 }

[[jobs.steps]]
name = "ask"
type = "sql_query"
connector = "default"
capture_first_row = true
query = "SELECT :day AS day, :copies AS copies, :customer AS customer, :since AS since"

[[jobs.steps]]
name = "tell"
type = "python"
callable = "plugin:tell"
op_kwargs = { again = "${kw:day}", words = "on ${kw:day}" }
"""
CONNECTORS = """
[connectors.default]
type = "sql"
pool = "default"
[connectors.default.queries.endless]
sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
"""
PLUGIN = """
def tell(ctx, key, **params):
    ctx.log.info("the key is %s", key)
    print("printed", key)
    shown = {name: type(value).__name__ for name, value in params.items()}
    return {"length": len(key or ""), "key": key, "types": shown, "words": params["words"]}
"""
KEY = "hunter2-hunter2"
PLACE = "/api/v1/jobs/report"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("params") / "home"
    return a_home(folder, JOBS, connectors=CONNECTORS, plugins={"plugin.py": PLUGIN})


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with serving(home, a_token(home)) as server, sqlite3.connect(store(home)) as database:
        database.execute("CREATE TABLE customers AS SELECT value AS n FROM json_each('[1,2]')")
        database.commit()
        yield server


def store(home: Path) -> Path:
    return home / "data" / "nomaflow.db"


def started(server: Server, **options: Any) -> httpx2.Response:
    return server.http.post(f"{PLACE}/runs", content=json.dumps(options))


def problems(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {each["field"]: each["message"] for each in answer.json()["problems"]}


def test_values_arrive_in_their_declared_types(server: Server) -> None:
    params = {"region": "EU", "day": "2026-01-02", "customer": "c1", "since": "2026-01-02T03:00"}
    run = server.ended(server.run("report", params=params))
    assert run["state"] == "SUCCEEDED", run
    assert run["params"] == {**params, "broken": None, "endless": None, "copies": 1,
                             "free": [1, 2], "switch": True, "key": None}  # fmt: skip
    assert run["steps"][0]["output"]["first_row"] == {
        "day": "2026-01-02", "copies": 1, "customer": "c1", "since": "2026-01-02 03:00:00+01:00"
    }  # fmt: skip
    told = run["steps"][1]["output"]
    assert re.fullmatch(r"on \d{4}-\d\d-\d\d", told["words"])
    assert told["types"] | {"again": "date", "day": "date", "since": "datetime"} == told["types"]


def test_a_default_with_a_token_is_typed_when_the_run_starts(server: Server) -> None:
    run = server.ended(server.run("report", params={"region": "US"}))
    assert len(run["params"]["day"]) == 10
    assert run["steps"][1]["output"]["types"]["day"] == "date"


def test_a_preset_brings_a_day_as_toml_writes_it(server: Server) -> None:
    run = server.ended(server.run("report", preset="two"))
    assert (run["params"]["day"], run["params"]["copies"]) == ("2026-03-01", 2)


def test_every_field_that_does_not_fit_is_named_and_nothing_runs(server: Server) -> None:
    before = len(server.get("/api/v1/runs")["runs"])
    params = {"copies": 10, "day": "today", "regoin": "EU", "key": "short"}
    found = problems(started(server, params=params, op_kwargs={"tell": {"copies": "3"}}))
    assert found == {
        "params.copies": "expected at most 9",
        "params.day": "expected a date such as 2026-01-31",
        "params.key": "expected at least 8 characters",
        "params.region": "a value is required",
        "params.regoin": found["params.regoin"],
        "op_kwargs.tell.copies": "expected a whole number",
    }
    assert "did you mean 'region'?" in found["params.regoin"]
    assert len(server.get("/api/v1/runs")["runs"]) == before


def test_a_value_that_a_token_brings_late_fails_the_step_that_needs_it(server: Server) -> None:
    run = server.ended(server.run("report", params={"region": "EU", "day": "x${ctx:job_id}"}))
    assert run["state"] == "FAILED"
    assert "Parameter 'day' does not fit: expected a date" in run["steps"][0]["error"]["message"]


def test_a_replay_is_held_against_the_declarations_too(server: Server) -> None:
    run_id = server.run("report", params={"region": "EU"})
    server.ended(run_id)
    replay = f"/api/v1/runs/{run_id}/replay"
    assert problems(server.http.post(replay, content='{"params": {"copies": 0}}')) == {
        "params.copies": "expected at least 1"
    }
    answer = server.http.post(replay, content='{"params": {"copies": 3}}')
    again = server.ended(answer.json()["run_id"])
    assert (again["params"]["copies"], again["params"]["region"]) == (3, "EU")


def test_a_secret_reaches_the_step_and_nobody_else(server: Server, home: Path) -> None:
    run_id = server.run("report", params={"region": "EU", "key": KEY})
    run = server.ended(run_id)
    assert run["params"]["key"] == "***"
    assert run["steps"][1]["output"]["length"] == len(KEY)
    assert run["steps"][1]["output"]["key"] == "***"
    log = server.http.get(f"/api/v1/runs/{run_id}/log").text
    assert "the key is ***" in log
    assert "printed ***" in log
    for file in store(home).parent.glob("nomaflow.db*"):
        assert KEY.encode() not in file.read_bytes()
    assert KEY not in server.command.err + server.command.out


def test_a_secret_is_kept_sealed_and_replayed(server: Server) -> None:
    run_id = server.run("report", params={"region": "EU", "key": KEY})
    server.ended(run_id)
    answer = server.http.post(f"/api/v1/runs/{run_id}/replay")
    again = server.ended(answer.json()["run_id"])
    assert again["params"]["key"] == "***"
    assert again["steps"][1]["output"]["length"] == len(KEY)


def test_the_mask_of_a_secret_is_not_taken_for_one(server: Server) -> None:
    found = problems(started(server, params={"region": "EU", "key": "***"}))
    assert "expected the secret itself" in found["params.key"]


def test_a_form_can_be_drawn_from_the_job(server: Server) -> None:
    fields = {field["name"]: field for field in server.get(PLACE)["parameters"]}
    assert list(fields) == ["day", "copies", "region", "customer", "broken", "endless", "key",
                            "since", "free", "switch"]  # fmt: skip
    assert fields["day"] == {
        "name": "day", "declared": True, "type": "date", "items": "string", "label": "Day",
        "description": "The day to report on.", "required": False, "secret": False,
        "default": "${ctx:yesterday}", "has_default": True, "choices": None, "choices_from": None,
        "min": None, "max": None, "pattern": None,
    }  # fmt: skip
    assert fields["region"]["choices"][1] == {"value": "US", "label": "States"}
    assert fields["customer"]["choices_from"] == "default"
    assert (fields["free"]["type"], fields["free"]["items"]) == ("list", "integer")
    assert (fields["switch"]["type"], fields["switch"]["declared"]) == ("boolean", False)


def test_choices_of_a_query_come_from_its_database(server: Server) -> None:
    offer = server.get(f"{PLACE}/params/customer/choices")
    labels = [{"value": "c1", "label": "No 1"}, {"value": "c2", "label": "No 2"}]
    assert offer == {"choices": labels, "has_more": False}
    assert len(server.get(f"{PLACE}/params/region/choices")["choices"]) == 2
    assert server.http.get(f"{PLACE}/params/nothing/choices").status_code == 404
    answer = server.http.get(f"{PLACE}/params/broken/choices")
    assert answer.status_code == 503
    assert "connector 'default': no such table: nowhere" in answer.json()["detail"]


async def test_a_query_that_does_not_end_is_stopped(home: Path) -> None:
    from nomaflow.errors import Unreachable
    from nomaflow.services.choices import Choices

    app = App.build(home)
    choices = Choices(lambda: app.catalogue, app.connectors.get, str, query_seconds=0.2)
    with pytest.raises(Unreachable, match=r"did not end within 0.2 s"):
        await choices.of("report", "endless")
    app.connectors.close()


def test_the_command_takes_texts_as_the_job_declares_them(home: Path) -> None:
    words = ["--param", "region=EU", "--param", "copies=3", "--param", "key=123456789"]
    run = nomaflow("run", "report", "--home", home, *words, "--wait", "--json").json
    assert (run["params"]["copies"], run["params"]["key"]) == (3, "***")
    assert run["steps"][1]["output"]["length"] == 9
    refused = nomaflow("run", "report", "--home", home, "--param", "copies=three")
    assert refused.code == 2
    assert "params.copies: expected a whole number" in refused.err
    assert "params.region: a value is required" in refused.err


def test_the_command_sets_all_that_the_form_sets_and_replays_it(home: Path) -> None:
    words = ["--param", "region=EU", "--step-param", "ask:copies=4", "--step-off", "tell"]
    run = nomaflow("run", "report", "--home", home, *words, "--wait", "--json").json
    assert run["steps"][0]["output"]["first_row"]["copies"] == 4
    assert run["steps"][1]["reason"] == "skipped: disabled"
    words = ["--param", "day=2026-05-01", "--step-on", "tell", "--log-level", "debug"]
    run_id = str(run["run_id"])
    again = nomaflow("replay", run_id, "--home", home, *words, "--wait", "--json").json
    assert (again["params"]["region"], again["params"]["day"]) == ("EU", "2026-05-01")
    assert again["steps"][0]["output"]["first_row"]["copies"] == 4
    assert again["state"] == "SUCCEEDED"
    refused = nomaflow("run", "report", "--home", home, "--step-param", "ask:copies=no")
    assert (refused.code, "op_kwargs.ask.copies: expected" in refused.err) == (2, True)


async def test_options_of_a_schedule_s_preset_are_kept_as_json(tmp_path: Path) -> None:
    jobs = JOBS.replace('name = "two"', 'name = "two"\nschedule = "0 3 * * *"')
    clock = FakeClock(datetime(2026, 6, 1, 0, 59, 30, tzinfo=UTC))
    app = App.build(a_home(tmp_path / "home", jobs, connectors=CONNECTORS), clock=clock)
    async with app.store():
        await app.scheduler.start()
        await app.scheduler.stop()
        clock.step(60)
        await app.scheduler.start()
        await app.scheduler.stop()
        run = await app.stored.runs.get(RunId(1))
    options = unpack(run.options, app.vault)
    assert options == RunOptions(
        preset="two", preset_params={"copies": 2, "region": "EU", "day": "2026-03-01"}
    )
