"""A table copy is undone, in the shell and over HTTP."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.commands import nomaflow, serving
from tests.homes import ERP_AND_REPORTING, a_home, a_token

JOBS = """
[[jobs]]
id = "refresh"
[[jobs.steps]]
name = "orders"
type = "sql_copy"
source = { connector = "erp", table = "orders" }
target = { connector = "reporting", table = "orders" }
keep_previous = 1
[[jobs.steps]]
name = "look"
type = "sql_query"
connector = "reporting"
query = "SELECT count(*) FROM orders"
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Its target holds order 1, its source orders 1 and 2."""
    home = a_home(tmp_path / "home", JOBS, connectors=ERP_AND_REPORTING)
    for name, orders in (("erp", [1, 2]), ("reporting", [1])):
        change(home, name, "CREATE TABLE orders (id INTEGER PRIMARY KEY)")
        for order in orders:
            change(home, name, f"INSERT INTO orders VALUES ({order})")
    return home


def change(home: Path, name: str, statement: str) -> None:
    with closing(sqlite3.connect(home / "data" / f"{name}.db")) as connection:
        connection.execute(statement)
        connection.commit()


def orders(home: Path) -> list[int]:
    with closing(sqlite3.connect(home / "data" / "reporting.db")) as connection:
        return [order for (order,) in connection.execute("SELECT id FROM orders ORDER BY id")]


def a_run(home: Path) -> int:
    ran = nomaflow("run", "refresh", "--home", home, "--wait", "--json")
    assert ran.code == 0, ran.err
    return int(ran.json["run_id"])


def test_the_shell_puts_the_previous_version_back_once(home: Path) -> None:
    run = a_run(home)
    assert orders(home) == [1, 2]
    undone = nomaflow("undo", str(run), "orders", "--home", home, "--json")
    assert undone.json == {"connector": "reporting", "table": "orders", "rows": 1}
    assert orders(home) == [1]
    again = nomaflow("undo", str(run), "orders", "--home", home)
    assert again.code == 2
    assert "is gone from connector 'reporting'" in again.err


@pytest.mark.parametrize(
    ("run", "step", "said"),
    [
        (1, "look", "kept no previous version"),
        (1, "none", "has no step 'none'. It has: orders, look"),
        (99, "orders", "99"),
    ],
)
def test_what_cannot_be_undone_is_refused_and_says_why(
    home: Path, run: int, step: str, said: str
) -> None:
    assert a_run(home) == 1
    refused = nomaflow("undo", str(run), step, "--home", home)
    assert refused.code == 2
    assert said in refused.err
    assert orders(home) == [1, 2]


def test_http_undoes_a_step_and_refuses_a_table_that_was_changed(home: Path) -> None:
    first = a_run(home)
    change(home, "erp", "INSERT INTO orders VALUES (3)")
    second = a_run(home)
    with serving(home, a_token(home)) as server:
        gone = server.http.post(f"/api/v1/runs/{first}/steps/orders/undo")
        assert (gone.status_code, "is gone" in gone.json()["detail"]) == (409, True)
        change(home, "reporting", "INSERT INTO orders VALUES (9)")
        changed = server.http.post(f"/api/v1/runs/{second}/steps/orders/undo")
        assert (changed.status_code, "changed since" in changed.json()["detail"]) == (409, True)
        assert orders(home) == [1, 2, 3, 9]
        change(home, "reporting", "DELETE FROM orders WHERE id = 9")
        done = server.http.post(f"/api/v1/runs/{second}/steps/orders/undo")
        assert (done.status_code, done.json()["rows"]) == (200, 2)
    assert orders(home) == [1, 2]
