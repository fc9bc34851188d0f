"""Old versions of an overwritten table are kept, pruned, and put back."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from tests.integration.copying.conftest import RUN, Desk, Place

from nomaflow.clock import SystemClock
from nomaflow.connectors.tables import TableName
from nomaflow.copying.order import Watch
from nomaflow.copying.receipt import ReceiptKey
from nomaflow.copying.side import Side
from nomaflow.copying.undo import undo
from nomaflow.errors import StepRefused

Places = Callable[[str, str], tuple[Place, Place]]


HANGERS = {
    "postgresql": "CREATE MATERIALIZED VIEW hanger AS SELECT count(*) FROM t",
    "mariadb": "CREATE TRIGGER hanger BEFORE INSERT ON t FOR EACH ROW SET @seen = 1",
}


@pytest.fixture(
    params=["sqlite", "postgresql", "postgresql, merged", "mariadb", "mariadb, merged", "duckdb"]
)
def pair(request: pytest.FixtureRequest, places: Places) -> tuple[Place, Place]:
    """A target at version 0, with a view and a key; merged: one that cannot be renamed."""
    kind, _, merged = request.param.partition(", ")
    here, there = places("sqlite", kind)
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, version INTEGER)")
    there.run(
        "CREATE TABLE t (id bigint PRIMARY KEY, version integer CHECK (version < 100))",
        "CREATE INDEX by_version ON t (version)",
        "CREATE VIEW seen AS SELECT DISTINCT version FROM t",
    )
    if merged:
        there.run(HANGERS[kind])
    for version, place in ((1, here), (0, there)):
        place.insert("t", [(n, version) for n in range(50 + version)])
    return here, there


def put_back(desk: Desk, kept: dict[str, Any]) -> dict[str, Any]:
    connector = desk.port.connector(kept["connector"])
    ends = [
        Side(
            kept["connector"],
            connector.dialect,  # type: ignore[attr-defined]
            connector.pool,  # type: ignore[attr-defined]
            desk.port.on_cancel,
            desk.port.is_cancelled,
        )
        for _ in range(2)
    ]
    watch = Watch(desk.port.lines.append, desk.port.progress, desk.port.is_cancelled, SystemClock())
    name = TableName(kept["table"], kept["schema"])
    return undo(name, kept["version"], *ends, watch, ReceiptKey("undo", RUN.started_at))


def test_a_version_is_put_back_and_everything_around_stands(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    _, there = pair
    kept = desk.copy("t", keep_previous=1)["kept"]
    assert kept["version"] == "t_before_1_0"
    assert there.rows("SELECT * FROM seen") == [(1,)]
    assert there.rows("SELECT count(*), max(version) FROM t_before_1_0") == [(50, 0)]
    put_back(desk, kept)
    assert there.rows("SELECT * FROM seen") == [(0,)]
    assert there.rows("SELECT count(*) FROM t") == [(50,)]
    assert there.tables() == ["nomaflow_versions", "t"]
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        there.run("INSERT INTO t VALUES (1, 1)")
    with pytest.raises(StepRefused, match="'t_before_1_0' is gone"):
        put_back(desk, kept)


def test_so_many_versions_stay_as_were_asked_for(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    for run in range(1, 5):
        here.run(f"UPDATE t SET version = {run}")
        desk.copy("t", keep_previous=2, run_id=run)
    assert there.tables() == ["nomaflow_versions", "t", "t_before_3_0", "t_before_4_0"]
    assert there.rows("SELECT DISTINCT version FROM t_before_3_0") == [(2,)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE t SET version = 7 WHERE id = 3",
        "DELETE FROM t WHERE id = 3",
        "INSERT INTO t VALUES (900, 1)",
    ],
)
def test_a_table_that_was_changed_since_stays_as_it_is(
    pair: tuple[Place, Place], desk: Desk, change: str
) -> None:
    _, there = pair
    kept = desk.copy("t", keep_previous=1)["kept"]
    there.run(change)
    changed = there.rows("SELECT * FROM t ORDER BY id")
    with pytest.raises(StepRefused, match=r"changed since.*t_before_1_0"):
        put_back(desk, kept)
    assert there.rows("SELECT * FROM t ORDER BY id") == changed
    assert there.rows("SELECT count(*) FROM t_before_1_0") == [(50,)]


def test_an_older_version_is_not_put_over_a_newer_copy(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    here, there = pair
    first = desk.copy("t", keep_previous=2, run_id=1)["kept"]
    here.run("UPDATE t SET version = 2")
    second = desk.copy("t", keep_previous=2, run_id=2)["kept"]
    with pytest.raises(StepRefused, match="changed since"):
        put_back(desk, first)
    put_back(desk, second)
    assert there.rows("SELECT * FROM seen") == [(1,)]


def test_a_kept_version_holds_nothing_fast(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "postgresql")
    here.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, region TEXT)", "INSERT INTO t VALUES (1, 'a')"
    )
    there.run(
        "CREATE TABLE regions (name text PRIMARY KEY)",
        "INSERT INTO regions VALUES ('a'), ('b')",
        "CREATE TABLE t (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, n serial UNIQUE,"
        " region text REFERENCES regions)",
        "CREATE STATISTICS both_of_t ON id, region FROM t",
        "INSERT INTO t (region) VALUES ('b')",
    )
    kept = desk.copy("t", keep_previous=3)["kept"]
    there.run("DELETE FROM regions WHERE name = 'b'")
    desk.copy("t", keep_previous=3, run_id=2)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        there.run("DELETE FROM regions")
    there.run("DROP TABLE t")
    assert there.rows(f"SELECT id, n, region FROM {kept['version']}") == [(1, 1, "b")]
