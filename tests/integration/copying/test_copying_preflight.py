from collections.abc import Callable

import pytest
from tests.integration.copying.conftest import Desk, Place

from nomaflow.errors import StepRefused

Places = Callable[[str, str], tuple[Place, Place]]
DIRECTIONS = [(a, b) for a in ("sqlite", "postgresql") for b in ("sqlite", "postgresql")]
DIRECTIONS += [("duckdb", "postgresql"), ("sqlite", "duckdb"), ("mariadb", "postgresql")]
DIRECTIONS += [("sqlite", "mariadb"), ("postgresql", "mariadb"), ("mariadb", "mariadb")]


@pytest.fixture(params=DIRECTIONS)
def pair(request: pytest.FixtureRequest, places: Places) -> tuple[Place, Place]:
    here, there = places(*request.param)
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n VARCHAR(20), amount INTEGER)")
    here.insert("t", [(1, "a", 100), (2, "b", 200), (3, "c", None)])
    return here, there


def test_a_first_copy_is_foretold(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    columns = {"amount": {"scale": 2}, "n": {"rename": "name"}}
    told = desk.copy("t", columns=columns, dry_run=True)
    assert (told["source_rows"], told["target_rows"], told["creates"]) == (3, None, True)
    assert (told["way"], told["mode"], told["key"]) == ("create", "overwrite", ["id"])
    assert [column["name"] for column in told["columns"]] == ["id", "name", "amount"]
    assert told["coercions"] == {"2 decimals": ["amount"]}
    assert told["held"] is None
    assert there.tables() == []
    assert desk.copy("t", columns=columns)["lane"] == told["lane"]


def test_a_second_copy_is_foretold_and_nothing_is_changed(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    here, there = pair
    desk.copy("t")
    before, made = there.rows("SELECT * FROM t ORDER BY id"), there.tables()
    here.run("DELETE FROM t WHERE id > 1", "ALTER TABLE t ADD COLUMN more TEXT")
    told = desk.copy("t", dry_run=True, min_rows=2, on_drift="add")
    assert (told["source_rows"], told["target_rows"], told["creates"]) == (1, 3, False)
    assert told["added_columns"] == ["more"]
    assert "min_rows is 2" in told["held"]
    assert told["way"] == ("rename" if there.kind in {"postgresql", "mariadb"} else "replace")
    assert there.rows("SELECT * FROM t ORDER BY id") == before
    assert there.tables() == made
    done = desk.copy("t", on_drift="add")
    assert (told["lane"], told["lanes_passed_over"]) == (done["lane"], done["lanes_passed_over"])


def test_what_will_not_fit_is_foretold(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    there.run("CREATE TABLE t (id DATE, n VARCHAR(5), amount TIME)")
    with pytest.raises(StepRefused) as caught:
        desk.copy("t", dry_run=True)
    assert "'id'" in str(caught.value)
    assert "'amount'" in str(caught.value)
    there.run("DROP TABLE t", "CREATE TABLE t (id BIGINT, n VARCHAR(5), amount NUMERIC(5,2))")
    told = desk.copy("t", dry_run=True)
    checked = {column["name"]: column["checked"] for column in told["columns"]}
    assert checked["n"]
    assert checked["amount"]


def test_a_preflight_of_an_incremental_copy_counts_what_is_new(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    here, _ = pair
    desk.copy("t", mode="append", incremental={"column": "id"}, run_id=1)
    here.run("INSERT INTO t VALUES (4, 'd', 1)")
    told = desk.copy("t", mode="append", incremental={"column": "id"}, dry_run=True)
    assert told["source_rows"] == 1
    assert told["incremental"] == {"column": "id", "from": "3"}
