"""Merge order and tokens: the same table of cases for each step type that knows parameters."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.homes import a_home, ended, running
from tests.servers.web import Exchange, Web, a_web

from nomaflow.app import App
from nomaflow.domain.run import RunOptions, StepRun
from nomaflow.domain.states import RunState, StepState

CONNECTORS = """
    [pools.shop]
    url = "sqlite:///data/shop.db"
    [connectors.shop]
    type = "sql"
    pool = "shop"
"""
PLUGIN = """
    def told(ctx, **kwargs):
        return {"value": kwargs}

    def first(ctx, **_):
        return {
            "number": 7, "rows": [{"name": "from the first step"}], "none": None,
            "connector": "service", "status": 302,
        }
"""
FIRST = 'name = "first"\ntype = "python"\ncallable = "plugin:first"'

Told = Callable[[App, StepRun], Any]


def python_step(who: str | None) -> str:
    own = "" if who is None else f"op_kwargs = {{ who = {who} }}"
    return f'type = "python"\ncallable = "plugin:told"\n{own}'


def sql_step(who: str | None) -> str:
    own = "" if who is None else f"params = {{ who = {who} }}"
    return (
        'type = "sql_query"\nconnector = "shop"\nquery = "SELECT :who AS who"\n'
        f"capture_first_row = true\n{own}"
    )


def call_step(who: str | None) -> str:
    """The name must be given for the value to be passed on."""
    own = '"${kw:who}"' if who is None else who
    return f'type = "call_job"\njob = "called"\nparams = {{ who = {own} }}'


CALLED = f'[[jobs]]\nid = "called"\n[[jobs.steps]]\nname = "tell"\n{python_step(None)}\n'


async def python_told(_: App, step: StepRun) -> Any:
    assert step.output is not None
    return step.output["value"]["who"]


async def sql_told(_: App, step: StepRun) -> Any:
    assert step.output is not None
    return step.output["first_row"]["who"]


async def call_told(app: App, step: StepRun) -> Any:
    assert step.output is not None
    (told,) = await app.stored.runs.steps(step.output["run_id"])
    return await python_told(app, told)


KINDS = {
    "python": (python_step, python_told),
    "sql_query": (sql_step, sql_told),
    "call_job": (call_step, call_told),
}


def a_job(step: str, *, params: str = "", presets: str = "") -> str:
    return (
        f'{CALLED}[[jobs]]\nid = "asks"\n{params}\n'
        f'[[jobs.steps]]\n{FIRST}\n[[jobs.steps]]\nname = "tell"\n{step}\n{presets}'
    )


def a_table_home(folder: Path, jobs: str) -> Path:
    home = a_home(
        folder,
        jobs,
        connectors=CONNECTORS,
        plugins={"plugin.py": PLUGIN},
        env="CITY=Lyon of the env file\nCOUNT=3\n",
    )
    with sqlite3.connect(home / "data" / "shop.db") as shop:
        shop.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)")
        shop.execute("INSERT INTO people VALUES (1, 'ann'), (2, 'bob')")
    shop.close()
    return home


PRESET = RunOptions(preset="some")
LAYERS = [
    ("job", RunOptions(), None, "job"),
    ("step over job", RunOptions(), '"step"', "step"),
    ("preset over step", PRESET, '"step"', "preset"),
    ("form over preset", RunOptions(preset="some", params={"who": "form"}), '"step"', "form"),
    ("form over step", RunOptions(params={"who": "form"}), '"step"', "form"),
    (
        "form's step over form",
        RunOptions(params={"who": "form"}, op_kwargs={"tell": {"who": "form's step"}}),
        '"step"',
        "form's step",
    ),
    ("a layer sees those below", RunOptions(), '"${kw:who} and step"', "job and step"),
    (
        "a layer does not see itself or those above",
        RunOptions(params={"who": "${kw:who} and form"}),
        '"${kw:who} and step"',
        "job and step and form",
    ),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("options", "own", "told"), [case[1:] for case in LAYERS], ids=[case[0] for case in LAYERS]
)
async def test_later_layers_of_parameters_win(
    tmp_path: Path, kind: str, options: RunOptions, own: str | None, told: str
) -> None:
    write, read = KINDS[kind]
    job = a_job(
        write(own),
        params='params = { who = "job" }',
        presets='[[jobs.presets]]\nname = "some"\nparams = { who = "preset" }\n',
    )
    async with running(a_table_home(tmp_path / "home", job)) as app:
        _, (_, step) = await ended(app, "asks", options)
        assert step.state is StepState.SUCCEEDED, step.error
        assert await read(app, step) == told


TOKENS = [
    ("plain", '"plain"', "plain"),
    ("a number of the job", '"${kw:count}"', 3),
    ("within a text", '"${kw:count} of ${kw:who}"', "3 of job"),
    ("an escape", '"$${kw:count}"', "${kw:count}"),
    ("an output", '"${out:first.number}"', 7),
    ("deep in an output", '"${out:first.rows.0.name}"', "from the first step"),
    ("a default", '"${env:NOT_THERE:-else}"', "else"),
    ("a fact", '"${ctx:job_id} ${ctx:attempt} ${ctx:session_user}"', "asks 1 ann"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("own", "told"), [case[1:] for case in TOKENS], ids=[case[0] for case in TOKENS]
)
async def test_a_token_becomes_its_value_and_keeps_its_type(
    tmp_path: Path, kind: str, own: str, told: object
) -> None:
    write, read = KINDS[kind]
    job = a_job(write(own), params='params = { who = "job", count = 3 }')
    async with running(a_table_home(tmp_path / "home", job)) as app:
        _, (_, step) = await ended(app, "asks")
        assert step.state is StepState.SUCCEEDED, step.error
        assert await read(app, step) == told


WITHOUT_VALUE = [
    ("a variable", '"${env:NOT_THERE}"', "${env:NOT_THERE}"),
    ("a parameter", '"${kw:nobody}"', "${kw:nobody}"),
    ("a part of an output", '"${out:first.nothing}"', "${out:first.nothing}"),
    ("a fact", '"${ctx:scheduled_at}"', "${ctx:scheduled_at}"),
    ("nothing within a text", '"x ${out:first.none}"', "${out:first.none}"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("own", "named"), [case[1:] for case in WITHOUT_VALUE], ids=[case[0] for case in WITHOUT_VALUE]
)
async def test_a_token_without_a_value_fails_the_step_with_its_name(
    tmp_path: Path, kind: str, own: str, named: str
) -> None:
    write, _ = KINDS[kind]
    async with running(a_table_home(tmp_path / "home", a_job(write(own)))) as app:
        run, (_, step) = await ended(app, "asks")

    assert run.state is RunState.FAILED
    assert step.error is not None
    assert step.error.type == "StepRefused"
    assert named in step.error.message


async def test_a_value_of_the_env_file_is_used_and_masked_where_it_is_shown(
    tmp_path: Path,
) -> None:
    job = a_job(sql_step('"${env:CITY}"').replace(":who AS who", "length(:who) AS who"))
    shown = CALLED.replace('"called"', '"shows"').replace(
        'callable = "plugin:told"', 'callable = "plugin:told"\nop_kwargs = { who = "${env:CITY}" }'
    )
    async with running(a_table_home(tmp_path / "home", job + shown)) as app:
        _, (_, used) = await ended(app, "asks")
        _, (masked,) = await ended(app, "shows")

    assert used.output == {"rows_affected": 1, "first_row": {"who": len("Lyon of the env file")}}
    assert masked.output == {"value": {"who": "***"}}


COPY = """
    type = "sql_copy"
    source = { connector = "shop", table = "${kw:table}" }
    target = { connector = "shop", table = "copy_${ctx:job_id}" }
    where = "name = :who"
"""


async def test_a_copy_takes_tokens_in_its_names_and_binds_parameters_in_its_condition(
    tmp_path: Path,
) -> None:
    home = a_table_home(
        tmp_path / "home", a_job(COPY, params='params = { table = "people", who = "ann" }')
    )
    async with running(home) as app:
        _, (_, step) = await ended(app, "asks", RunOptions(params={"who": "bob"}))
        assert step.state is StepState.SUCCEEDED, step.error
    assert rows(home, "SELECT id, name FROM copy_asks") == [(2, "bob")]


@pytest.mark.parametrize(
    "step",
    [
        'type = "sql_query"\nconnector = "shop"\nquery = "INSERT INTO people (name) VALUES (:nam)"',
        COPY.replace(":who", ":nam").replace("copy_${ctx:job_id}", "people_copy"),
    ],
    ids=["sql_query", "sql_copy"],
)
async def test_an_unbound_name_fails_before_the_statement_runs(tmp_path: Path, step: str) -> None:
    job = a_job(step, params='params = { table = "people", name = "ann" }')
    home = a_table_home(tmp_path / "home", job)
    async with running(home) as app:
        _, (_, failed) = await ended(app, "asks")

    assert failed.state is StepState.FAILED
    assert failed.error is not None
    assert "nam" in failed.error.message
    assert rows(home, "SELECT name FROM people") == [("ann",), ("bob",)]
    assert rows(home, "SELECT name FROM sqlite_master WHERE name = 'people_copy'") == []


def rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(home / "data" / "shop.db") as shop:
        found = shop.execute(sql).fetchall()
    shop.close()
    return found


def echo(exchange: Exchange) -> None:
    """A redirect that nobody follows, and that counts as a success."""
    exchange.answer(302, b"{}", Location="/elsewhere")


@pytest.fixture
def web() -> Iterator[Web]:
    with a_web({"/3": echo}) as server:
        yield server


REQUEST = """
    type = "http"
    connector = "${out:first.connector}"
    url = "${kw:count}?of=${out:first.number}"
    method = "${kw:method}"
    headers = { X-Run = "${ctx:run_id}", X-City = "${env:CITY}", X-Count = "${kw:count}" }
    body = { who = "${kw:who}", rows = "${out:first.rows}", text = "$${plain}", all = [ALL] }
    expect_status = ["${out:first.status}"]
    follow_redirects = "${kw:follow}"
"""
REQUEST_PARAMS = 'params = { who = "job", count = 3, method = "PUT", follow = false }'


def a_request_home(folder: Path, web: Web, own: str) -> Path:
    """A home with a request that has a token in each of its fields, and `own` in its body."""
    job = a_job(
        REQUEST.replace("ALL", own),
        params=REQUEST_PARAMS,
        presets='[[jobs.presets]]\nname = "some"\nparams = { who = "preset" }\n',
    )
    home = a_table_home(folder, job)
    with (home / "connectors.toml").open("a") as connectors:
        connectors.write(f'[connectors.service]\ntype = "http"\nbase_url = "{web.url}"\n')
    return home


async def test_a_request_takes_tokens_in_every_field_and_later_layers_win(
    tmp_path: Path, web: Web
) -> None:
    own = ", ".join(case[1] for case in TOKENS)
    home = a_request_home(tmp_path / "home", web, own)
    form = {"params": {"who": "form"}}
    runs = {
        "job": RunOptions(),
        "preset": PRESET,
        "form": RunOptions(preset="some", params={"who": "form"}),
        "form's step": RunOptions(**form, op_kwargs={"tell": {"who": "form's step"}}),
    }
    async with running(home) as app:
        for options in runs.values():
            run, (_, sent) = await ended(app, "asks", options)
            assert sent.state is StepState.SUCCEEDED, sent.error

    bodies = [json.loads(seen.body) for seen in web.seen]
    assert [body["who"] for body in bodies] == list(runs)
    assert bodies[0]["all"] == [case[2] for case in TOKENS]
    assert bodies[0]["rows"] == [{"name": "from the first step"}]
    assert bodies[0]["text"] == "${plain}"
    last = web.seen[-1]
    assert (last.method, last.path) == ("PUT", "/3?of=7")
    shown = (last.headers["X-Run"], last.headers["X-City"], last.headers["X-Count"])
    assert shown == (str(run.id), "Lyon of the env file", "3")


@pytest.mark.parametrize(
    ("own", "named"), [case[1:] for case in WITHOUT_VALUE], ids=[case[0] for case in WITHOUT_VALUE]
)
async def test_a_request_with_a_token_without_a_value_is_not_sent(
    tmp_path: Path, web: Web, own: str, named: str
) -> None:
    async with running(a_request_home(tmp_path / "home", web, own)) as app:
        _, (_, step) = await ended(app, "asks")

    assert step.error is not None
    assert step.error.type == "StepRefused"
    assert named in step.error.message
    assert web.seen == []
