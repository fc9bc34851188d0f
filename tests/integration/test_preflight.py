"""A preflight from the command line and over HTTP: told, and nothing done."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.commands import nomaflow, serving
from tests.homes import ERP_AND_REPORTING, a_home, a_token

JOBS = """
[[jobs]]
id = "nightly"
params = { least = 2 }

[[jobs.steps]]
name = "copy-orders"
type = "sql_copy"
source = { connector = "erp", table = "orders" }
target = { connector = "reporting", table = "${env:TARGET:-orders}" }
where = "id >= :least"

[[jobs.steps]]
name = "copy-lines"
type = "sql_copy"
source = { connector = "erp", table = "nowhere" }
target = { connector = "reporting", table = "lines" }

[[jobs.steps]]
name = "then"
type = "sql_query"
connector = "reporting"
query = "DELETE FROM orders"

[[jobs]]
id = "guarded"
[[jobs.steps]]
name = "copy"
type = "sql_copy"
min_rows = 9
source = { connector = "erp", table = "orders" }
target = { connector = "reporting", table = "orders" }

[[jobs]]
id = "plain"
[[jobs.steps]]
name = "ask"
type = "sql_query"
connector = "erp"
query = "SELECT 1"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = a_home(tmp_path / "home", JOBS, connectors=ERP_AND_REPORTING)
    with closing(sqlite3.connect(home / "data/erp.db")) as erp:
        erp.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, n TEXT)")
        erp.executemany("INSERT INTO orders VALUES (?, ?)", [(n, str(n)) for n in range(5)])
        erp.commit()
    return home


def made(home: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(home / "data/reporting.db")) as reporting:
        return reporting.execute("SELECT name FROM sqlite_master").fetchall()


def test_the_command_tells_of_every_copy_and_does_nothing(home: Path) -> None:
    told = nomaflow("preflight", "nightly", "--home", home, "--json")
    assert told.code == 1, told.err
    first, second = told.json["steps"]
    assert (first["step"], first["problem"]) == ("copy-orders", None)
    assert (first["plan"]["source_rows"], first["plan"]["way"]) == (3, "create")
    assert (second["plan"], "no table 'nowhere'" in second["problem"]) == (None, True)
    assert made(home) == []
    assert nomaflow("runs", "--home", home, "--json").json == {"runs": []}


def test_the_command_tells_of_one_step_with_parameters(home: Path) -> None:
    told = nomaflow(
        "preflight", "nightly", "copy-orders", "--home", home, "--step-param", "copy-orders:least=4"
    )
    assert told.code == 0, told.err
    assert "1 row, overwrite into a new table, by create" in told.out
    assert "INTEGER" in told.out


def test_a_swap_that_would_be_held_is_a_failure(home: Path) -> None:
    told = nomaflow("preflight", "guarded", "--home", home)
    assert told.code == 1, told.err
    assert "held: The source gave 5 rows" in told.out
    assert "min_rows" in told.out


def test_a_step_that_cannot_tell_is_refused(home: Path) -> None:
    refused = nomaflow("preflight", "nightly", "then", "--home", home)
    assert "Step 'then' of job 'nightly' cannot tell what it would do" in refused.err
    assert "sql_copy" in refused.err
    unknown = nomaflow("preflight", "nightly", "nothing", "--home", home)
    assert "has no step 'nothing'. Its steps: copy-orders, copy-lines, then" in unknown.err
    assert nomaflow("preflight", "plain", "--home", home).code != 0


def test_the_api_tells_the_same(home: Path) -> None:
    with serving(home, a_token(home)) as server:
        told = server.http.post("/api/v1/jobs/nightly/preflight", json={"params": {"least": 1}})
        assert told.status_code == 200, told.text
        assert told.json()["steps"][0]["plan"]["source_rows"] == 4
        missing = server.http.post("/api/v1/jobs/nowhere/preflight")
        assert missing.status_code == 404
        refused = server.http.post("/api/v1/jobs/plain/preflight", json={})
        assert refused.status_code == 409
    assert made(home) == []
