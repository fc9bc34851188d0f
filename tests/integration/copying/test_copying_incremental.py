from collections.abc import Callable

import pytest
from pydantic import ValidationError
from tests.integration.copying.conftest import Desk, Place

from nomaflow.errors import StepFailed, StepRefused

Places = Callable[[str, str], tuple[Place, Place]]
KINDS = ("sqlite", "postgresql", "mariadb")
DIRECTIONS = [(a, b) for a in KINDS for b in KINDS]
DIRECTIONS += [("duckdb", "postgresql"), ("sqlite", "duckdb")]
BY_ID = {"column": "id"}
BY_CHANGE = {"column": "changed"}


def moment(place: Place) -> str:
    """A date and time without a zone."""
    return "DATETIME(6)" if place.kind == "mariadb" else "TIMESTAMP"


@pytest.fixture(params=DIRECTIONS)
def pair(request: pytest.FixtureRequest, places: Places) -> tuple[Place, Place]:
    here, there = places(*request.param)
    here.run(f"CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT, changed {moment(here)})")
    here.insert("t", [(1, "a", "2026-11-01 10:00:00.5"), (2, "b", "2026-11-02"), (3, "c", None)])
    return here, there


def test_an_append_reads_what_is_behind_the_mark(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    first = desk.copy("t", mode="append", incremental=BY_ID, run_id=1)
    here.run("INSERT INTO t VALUES (4, 'd', NULL), (0, 'late', NULL)")
    second = desk.copy("t", mode="append", incremental=BY_ID, run_id=2)
    third = desk.copy("t", mode="append", incremental=BY_ID, run_id=3)
    assert [output["source_rows"] for output in (first, second, third)] == [3, 1, 0]
    assert first["incremental"] == {"column": "id", "from": None, "to": "3"}
    assert second["incremental"] == {"column": "id", "from": "3", "to": "4"}
    assert third["incremental"] == {"column": "id", "from": "4", "to": "4"}
    assert there.rows("SELECT id, n FROM t ORDER BY id") == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]


def test_an_upsert_reads_the_mark_itself_again_and_what_has_no_value(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    here, there = pair
    desk.copy("t", mode="upsert", incremental=BY_CHANGE)
    here.run(
        "UPDATE t SET n = 'at the mark' WHERE id = 2",
        "UPDATE t SET n = 'unseen' WHERE id = 1",
        "UPDATE t SET n = 'no value' WHERE id = 3",
        "INSERT INTO t VALUES (4, 'new', '2026-11-02 00:00:00.000001')",
    )
    output = desk.copy("t", mode="upsert", incremental=BY_CHANGE)
    assert (output["source_rows"], output["inserted"], output["updated"]) == (3, 1, 2)
    assert there.rows("SELECT id, n FROM t ORDER BY id") == [
        (1, "a"), (2, "at the mark"), (3, "no value"), (4, "new"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "target", "when"),
    [*((kind, kind, "lane ") for kind in KINDS), ("sqlite", "postgresql", "▶")],
)
def test_a_row_that_comes_during_a_copy_is_appended_once(
    places: Places, desk: Desk, kind: str, target: str, when: str
) -> None:
    here, there = places(kind, target)
    if kind == target:
        there = here
        desk.urls["target"] = here.url
    if here.is_sqlite:
        here.run("PRAGMA journal_mode = WAL")
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    here.insert("t", [(1,), (2,)])
    came: list[str] = []

    def come(line: str) -> None:
        if line.startswith(when) and not came:
            came.append(line)
            here.run("INSERT INTO t VALUES (3)")

    desk.port.when_told = come
    marks = [
        desk.copy("t", "u", mode="append", incremental=BY_ID, run_id=n)["incremental"]["to"]
        for n in (1, 2)
    ]
    assert marks == ["2", "3"]
    assert there.rows("SELECT id FROM u ORDER BY id") == [(1,), (2,), (3,)]


def test_a_failed_copy_leaves_the_mark_where_it_was(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    desk.copy("t", mode="append", incremental=BY_ID, run_id=1)
    here.run("INSERT INTO t VALUES (4, 'd', NULL)")
    there.run("CREATE UNIQUE INDEX only_once ON t (n)", "INSERT INTO t VALUES (9, 'd', NULL)")
    with pytest.raises(StepFailed):
        desk.copy("t", mode="append", incremental=BY_ID, run_id=2)
    there.run("DELETE FROM t WHERE id = 9")
    assert desk.copy("t", mode="append", incremental=BY_ID, run_id=3)["inserted"] == 1


def test_a_second_attempt_of_an_append_adds_nothing(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    desk.copy("t", mode="append", incremental=BY_ID, run_id=1)
    here.run("INSERT INTO t VALUES (4, 'd', NULL)")
    again = desk.copy("t", mode="append", incremental=BY_ID, run_id=1)
    assert (again["inserted"], there.rows("SELECT count(*) FROM t")) == (3, [(3,)])


def test_the_mark_is_one_steps_and_one_targets(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    desk.copy("t", mode="append", incremental=BY_ID, run_id=1)
    assert desk.copy("t", "other", mode="append", incremental=BY_ID, run_id=2)["inserted"] == 3
    there.run("DROP TABLE t")
    assert desk.copy("t", mode="append", incremental=BY_ID, run_id=3)["inserted"] == 3


def test_an_append_to_a_filled_table_asks_where_to_begin(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    _, there = pair
    there.run(f"CREATE TABLE t (id INTEGER, n TEXT, changed {moment(there)})")
    there.insert("t", [(1, "a", None), (2, "b", None)])
    with pytest.raises(StepRefused, match=r"has 2 rows, and no mark .* 'copy:mark=VALUE'"):
        desk.copy("t", mode="append", incremental=BY_ID, run_id=1)
    told = desk.copy("t", mode="append", incremental=BY_ID, run_id=2, params={"mark": 2})
    assert (told["inserted"], told["incremental"]["from"]) == (1, "2")
    everything = desk.copy(
        "t", mode="append", incremental=BY_ID, run_id=3, params={"read_all": True}
    )
    assert (everything["inserted"], everything["incremental"]["to"]) == (3, "3")


def test_a_query_a_condition_and_new_names_go_with_it(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    here, there = pair
    settings = {
        "mode": "append",
        "incremental": {"column": "ID"} if here.is_sqlite else BY_ID,
        "columns": {"id": {"rename": "key"}, "changed": {"drop": True}},
    }
    query = {"query": "SELECT * FROM t WHERE id > :least"}
    for run_id, rows in ((1, 2), (2, 0)):
        output = desk.copy(query, "q", run_id=run_id, params={"least": 1}, **settings)
        assert output["inserted"] == rows
        where = {"where": "id > :least", "params": {"least": 1}}
        assert desk.copy("t", "w", run_id=run_id + 2, **where, **settings)["inserted"] == rows
    assert there.rows('SELECT "key", n FROM q ORDER BY "key"') == [(2, "b"), (3, "c")]
    assert there.rows('SELECT "key", n FROM w ORDER BY "key"') == [(2, "b"), (3, "c")]


def test_an_unknown_column_is_named(pair: tuple[Place, Place], desk: Desk) -> None:
    with pytest.raises(StepRefused, match="no column 'when' for incremental"):
        desk.copy("t", mode="append", incremental={"column": "when"})


def test_an_overwrite_is_not_incremental(desk: Desk) -> None:
    with pytest.raises(ValidationError, match="beside incremental"):
        desk.copy("t", incremental=BY_ID)
