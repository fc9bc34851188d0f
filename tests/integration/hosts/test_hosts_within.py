"""Steps within a step: what Python code may run of the other step types."""

import sqlite3
from typing import Any

import pytest
from tests.integration.hosts.stage import Stage, Watcher

from nomaflow.connectors.base import ResolvedPool
from nomaflow.errors import StepFailed, StepRefused

PLUGIN = """
def queries(ctx, query, capture_first_row=False, params=None, **_):
    fields = {"query": query, "capture_first_row": capture_first_row, "params": params or {}}
    return ctx.run_step("sql_query", connector="db", **fields)

FROM_TO = {
    "source": {"connector": "db", "table": "orders"},
    "target": {"connector": "other", "table": "orders"},
}

def copies(ctx, **_):
    return ctx.run_copy(**FROM_TO)

async def copies_later(ctx, **_):
    return await ctx.run_copy(**FROM_TO)

def appends(ctx, parts):
    ctx.get_connector("other").execute("CREATE TABLE orders (id INTEGER, item TEXT)")
    for part in parts:
        ctx.run_copy(**FROM_TO, mode="append", part=part)

def runs(ctx, step_type, fields):
    return ctx.run_step(step_type, **fields)
"""


@pytest.fixture(autouse=True)
def _two_databases(stage: Stage) -> None:
    stage.plugin(PLUGIN)
    stage.pools["other"] = ResolvedPool("other", f"sqlite:///{stage.folder}/other.sqlite")
    with sqlite3.connect(stage.folder / "db.sqlite") as database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL)")
        database.executemany("INSERT INTO orders VALUES (?, ?)", [(1, "ink"), (2, "pen")])


def copied(stage: Stage) -> list[tuple[Any, ...]]:
    with sqlite3.connect(stage.folder / "other.sqlite") as database:
        return database.execute("SELECT * FROM orders ORDER BY id").fetchall()


async def test_a_query_binds_the_steps_parameters_and_its_own(stage: Stage) -> None:
    fields = {"query": "SELECT :low AS low, :high AS high", "capture_first_row": True}
    output = await stage.call("queries", **fields, low=1, params={"high": 3})
    assert output["first_row"] == {"low": 1, "high": 3}


async def test_a_copy_logs_and_ends_as_a_step_of_its_own_does(
    stage: Stage, watcher: Watcher
) -> None:
    output = await stage.call("copies", watcher)
    assert output["target_rows"] == 2
    assert copied(stage) == [(1, "ink"), (2, "pen")]
    assert any(message.startswith("▶ batch 1") for message in watcher.messages)


async def test_an_async_function_awaits_it(stage: Stage) -> None:
    assert (await stage.call("copies_later"))["source_rows"] == 2


@pytest.mark.parametrize(
    ("parts", "rows"), [(["May", "May"], 2), (["May", "June"], 4), ([None] * 2, 4)]
)
async def test_a_part_is_appended_once_in_a_run_and_a_nameless_one_each_time(
    stage: Stage, parts: list[str | None], rows: int
) -> None:
    await stage.call("appends", parts=parts)
    assert len(copied(stage)) == rows


@pytest.mark.parametrize(
    ("step_type", "fields", "said"),
    [
        (
            "nothing",
            {},
            "run_step('nothing', …): expected one of http, ldap_sync, sql_copy, sql_query",
        ),
        ("python", {"callable": "a:b"}, "run_step('python', …): call the function itself"),
        ("sql_query", {"connector": "db"}, "field 'query'"),
        ("sql_copy", {"source": {"table": "orders"}}, "field 'source.connector'"),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_field(
    stage: Stage, step_type: str, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(StepRefused, match=said.replace("(", r"\(").replace(")", r"\)")):
        await stage.call("runs", step_type=step_type, fields=fields)


async def test_its_failure_is_the_steps_failure(stage: Stage) -> None:
    with pytest.raises(StepFailed, match="no such table: absent"):
        await stage.call("queries", query="SELECT * FROM absent")
