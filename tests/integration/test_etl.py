"""The helpers for Python steps, and the fake context, on real databases."""

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from nomaflow.errors import NotFound, StepRefused
from nomaflow.etl import (
    Table,
    copy_query_to_table,
    delete_rows,
    run_query,
    snapshot_rows,
    truncate_table,
)
from nomaflow.steps.context import StepContext
from nomaflow.testing import FakeSql, FakeStepContext, build_fake_ctx

ORDERS = Table("target", "Orders of May")


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/target.db"
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def ctx(tmp_path: Path, target_url: str) -> Iterator[FakeStepContext]:
    source = FakeSql(
        f"sqlite:///{tmp_path}/source.db", {"cheap": "SELECT * FROM orders WHERE price < :most"}
    )
    connectors = {"source": source, "target": target_url}
    with build_fake_ctx(params={"most": 10}, connectors=connectors) as ctx:
        sql = ctx.get_connector("source")
        sql.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, price INTEGER)")
        sql.execute("INSERT INTO orders VALUES (1, 5), (2, 9), (3, 50)")
        yield ctx


def filled(ctx: StepContext) -> None:
    target = ctx.get_connector("target")
    quote = target.engine.dialect.identifier_preparer.quote_identifier
    target.execute(f"CREATE TABLE {quote(ORDERS.name)} (id INTEGER, price INTEGER)")
    target.execute(f"INSERT INTO {quote(ORDERS.name)} VALUES (1, 5), (2, 9), (3, 50)")


def test_the_rows_of_a_named_query_come_as_dicts(ctx: StepContext) -> None:
    assert run_query(ctx, "source", "cheap", {"most": 6}) == [{"id": 1, "price": 5}]


def test_rows_are_deleted_by_a_condition_and_counted(ctx: StepContext) -> None:
    filled(ctx)
    assert delete_rows(ctx, ORDERS, "price < :most", {"most": 10}) == 2
    truncate_table(ctx, ORDERS)
    assert delete_rows(ctx, ORDERS, "1 = 1") == 0


def test_a_delete_without_a_condition_is_refused(ctx: StepContext) -> None:
    with pytest.raises(StepRefused, match=r"Orders of May.*truncate_table"):
        delete_rows(ctx, ORDERS, " ")


@pytest.mark.parametrize("target_url", ["sqlite", "postgresql"], indirect=True)
def test_a_querys_rows_become_a_table(ctx: StepContext) -> None:
    query = "SELECT id, price FROM orders WHERE price < :most"
    assert copy_query_to_table(ctx, "source", query, ORDERS)["target_rows"] == 2
    output = copy_query_to_table(ctx, "source", query, ORDERS, params={"most": 100})
    assert output["target_rows"] == 3


@pytest.mark.parametrize("target_url", ["sqlite", "postgresql"], indirect=True)
def test_a_days_rows_are_kept_beside_those_of_other_days(ctx: StepContext) -> None:
    days = [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 1)]
    outputs = [
        snapshot_rows(ctx, "source", "SELECT id FROM orders", ORDERS, on=day) for day in days
    ]

    assert [output.get("target_rows") for output in outputs] == [3, 3, None]
    assert outputs[2] == {"skipped": True, "snapshot_on": "2026-03-01"}
    assert delete_rows(ctx, ORDERS, "snapshot_on = :day", {"day": "2026-03-02"}) == 3


def test_an_async_function_awaits_connectors_and_steps(tmp_path: Path) -> None:
    async def count(ctx: StepContext) -> int:
        await ctx.get_connector("db").execute("CREATE TABLE t (a)")
        step = await ctx.run_step("sql_query", connector="db", query="SELECT * FROM t")
        return int(step["rows_affected"])

    with build_fake_ctx(connectors={"db": f"sqlite:///{tmp_path}/a.db"}) as ctx:
        assert asyncio.run(count(ctx.awaited)) == 0


def test_what_a_function_says_and_sees_is_the_tests_to_look_at() -> None:
    class Crm:
        name = "crm"

    ctx = build_fake_ctx(connectors={"crm": Crm()}, previous={"fetch": {"rows": 3}})
    ctx.log.warning("%d customers", 3)
    ctx.progress(1, 3)
    ctx.cancel()

    assert ctx.lines == [("WARNING", "3 customers")]
    assert ctx.reported == [(1, 3)]
    assert ctx.is_cancelled()
    assert ctx.previous_step("fetch").output == {"rows": 3}
    assert isinstance(ctx.get_connector("crm"), Crm)
    with pytest.raises(NotFound, match=r"no connector 'erp'\. It got: crm"):
        ctx.get_connector("erp")
