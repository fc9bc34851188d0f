import re
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import pytest
from tests.integration.copying.conftest import Desk, Place
from tests.waiting import eventually

from nomaflow.errors import StepFailed

Places = Callable[[str, str], tuple[Place, Place]]
SIDES = ["sqlite", "postgresql", "mariadb", "duckdb"]


@pytest.fixture(params=SIDES)
def pair(request: pytest.FixtureRequest, places: Places) -> tuple[Place, Place]:
    here, there = places("sqlite", request.param)
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)")
    here.insert("t", [(1, "a"), (2, "b"), (3, None)])
    return here, there


def test_a_second_attempt_of_an_append_adds_nothing(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    there.run("CREATE TABLE t (id INTEGER, n TEXT)")
    first = desk.copy("t", mode="append", run_id=7)
    here.run("INSERT INTO t VALUES (4, 'd')")
    second = desk.copy("t", mode="append", run_id=7)
    assert (first["inserted"], second["inserted"], second["target_rows"]) == (3, 3, 3)
    assert there.rows("SELECT count(*) FROM t") == [(3,)]
    assert there.rows("SELECT receipt, target, added_rows FROM nomaflow_receipts")[0][::2] == (
        "7:0",
        3,
    )


def test_the_next_run_appends_again(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    there.run("CREATE TABLE t (id INTEGER, n TEXT)")
    desk.copy("t", mode="append", run_id=7)
    desk.copy("t", mode="append", run_id=8)
    desk.copy("t", mode="append", run_id=7, started_at=datetime(2026, 12, 1, tzinfo=UTC))
    assert there.rows("SELECT count(*) FROM t") == [(9,)]


def test_an_append_that_makes_its_table_writes_a_receipt_too(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    _, there = pair
    for _ in range(2):
        desk.copy("t", mode="append")
    assert there.rows("SELECT count(*) FROM t") == [(3,)]


def test_an_upsert_inserts_updates_and_leaves_alone(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    desk.copy("t", mode="upsert")
    there.run("INSERT INTO t VALUES (9, 'theirs')", "DELETE FROM t WHERE id = 1")
    here.run("UPDATE t SET n = 'c' WHERE id = 3", "INSERT INTO t VALUES (4, 'd')")
    output = desk.copy("t", mode="upsert")
    assert (output["inserted"], output["updated"]) == (2, 1)
    assert there.rows("SELECT * FROM t ORDER BY id") == [
        (1, "a"), (2, "b"), (3, "c"), (4, "d"), (9, "theirs")
    ]  # fmt: skip


def test_an_upsert_by_a_named_key_of_two_columns(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    here.run("CREATE TABLE k (a INTEGER, b TEXT, n INTEGER)")
    here.insert("k", [(1, "x", 1), (1, "y", 2)])
    for _ in range(2):
        desk.copy("k", mode="upsert", key=["a", "b"])
    here.run("UPDATE k SET n = 5 WHERE b = 'y'")
    assert desk.copy("k", mode="upsert", key=["b", "a"])["updated"] == 1
    assert there.rows("SELECT * FROM k ORDER BY n") == [(1, "x", 1), (1, "y", 5)]


MANY = 5000


@pytest.fixture
def many(places: Places) -> tuple[Place, Place]:
    """A source of as many rows as its target has, with statistics."""
    here, there = places("postgresql", "postgresql")
    for place in (here, there):
        place.run(
            "CREATE TABLE t (id int PRIMARY KEY, n text, more json)",
            f"INSERT INTO t SELECT n, 'old', '{{}}' FROM generate_series(1, {MANY}) n",
            "ANALYZE t",
        )
    here.run("UPDATE t SET n = 'new' WHERE id <= 10", "INSERT INTO t VALUES (0, NULL, NULL)")
    return here, there


def test_an_upsert_of_many_rows_counts_as_one_of_few(many: tuple[Place, Place], desk: Desk) -> None:
    _, there = many
    counts = [desk.copy("t", mode="upsert", run_id=run_id) for run_id in (1, 2)]
    told = [(o["inserted"], o["updated"], o["unchanged"]) for o in counts]
    assert told == [(1, 10, MANY - 10), (0, 0, MANY + 1)]
    assert there.rows("SELECT n, count(*) FROM t GROUP BY n ORDER BY n") == [
        ("new", 10), ("old", MANY - 10), (None, 1),
    ]  # fmt: skip


def test_a_key_that_another_session_inserts_meanwhile_is_updated(
    many: tuple[Place, Place], desk: Desk
) -> None:
    _, there = many
    copying = threading.Thread(target=desk.copy, args=("t",), kwargs={"mode": "upsert"})
    with closing(there.open()) as other:
        other.execute("INSERT INTO t VALUES (0, 'theirs')")
        copying.start()
        eventually(
            lambda: (
                there.rows(
                    "SELECT left(query, 5) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
                == [("MERGE",)]
            )
        )
        other.commit()
    copying.join()
    assert there.rows("SELECT n FROM t WHERE id = 0") == [(None,)]
    assert there.rows("SELECT count(*) FROM t WHERE n = 'new'") == [(10,)]


def test_an_upsert_of_keys_alone_inserts_what_is_missing(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    here, there = pair
    here.run("CREATE TABLE k (a INTEGER PRIMARY KEY)", "INSERT INTO k VALUES (1), (2)")
    desk.copy("k", mode="upsert")
    here.run("INSERT INTO k VALUES (3)")
    assert desk.copy("k", mode="upsert")["inserted"] == 1
    assert there.rows("SELECT * FROM k ORDER BY a") == [(1,), (2,), (3,)]


def test_an_empty_source_empties_the_target(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    desk.copy("t")
    here.run("DELETE FROM t")
    assert desk.copy("t")["source_rows"] == 0
    assert there.rows("SELECT * FROM t") == []


def test_where_binds_parameters(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    desk.copy("t", where="id > :low -- the rest\n AND n IS NOT NULL", params={"low": 1})
    assert there.rows("SELECT * FROM t") == [(2, "b")]


@pytest.mark.parametrize("source", SIDES)
def test_a_query_is_copied_with_its_types(places: Places, desk: Desk, source: str) -> None:
    here, there = places(source, "postgresql")
    here.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, born DATE, n NUMERIC(10,2))",
        "INSERT INTO t VALUES (1, '2026-03-29', 1.5), (2, NULL, 2)",
    )
    query = "SELECT born, n, id * 2 AS twice, 'x' AS letter, :who AS who FROM t ORDER BY id;"
    if source == "postgresql":
        query = query.replace(":who", ":who::text")
    desk.copy({"query": query}, "copied", params={"who": "ada"})
    assert there.rows("SELECT born::text, n, twice, letter, who FROM copied ORDER BY twice") == [
        ("2026-03-29", 1.5, 2, "x", "ada"),
        (None, 2, 4, "x", "ada"),
    ]
    types = there.rows(
        "SELECT data_type FROM information_schema.columns WHERE table_name = 'copied'"
        " AND column_name IN ('born', 'n') ORDER BY column_name"
    )
    assert types == [("date",), ("numeric",)]


def test_columns_are_stripped_at_both_ends(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    here.run("UPDATE t SET n = '  a b\t '")
    desk.copy("t", strip_both_columns=["n"])
    assert there.rows("SELECT DISTINCT n FROM t") == [("a b",)]


def test_the_log_tells_of_batches_and_of_the_swap(pair: tuple[Place, Place], desk: Desk) -> None:
    desk.copy("t", batch_size=2, lane="rows")
    _, *batches, swapping, swapped = desk.port.lines
    assert batches == ["▶ batch 1 of 2 · 2 rows", "▶ batch 2 of 2 · 3 rows"]
    assert re.fullmatch(r"swapping 3 rows into '(\w+\.)?t' by create: .*", swapping)
    assert re.fullmatch(r"swapped in \d+ ms: 3 inserted", swapped)
    assert desk.port.reports[-1] == (3, 3)


def test_a_view_is_a_source(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    here.run("CREATE VIEW v AS SELECT id, n FROM t WHERE n IS NOT NULL")
    desk.copy("v", "seen")
    assert there.rows("SELECT * FROM seen ORDER BY id") == [(1, "a"), (2, "b")]


def test_types_that_only_postgresql_has_go_to_postgresql(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "postgresql")
    for place in (here, there):
        place.run("CREATE TYPE mood AS ENUM ('sad', 'ok')", "CREATE DOMAIN mail AS varchar(20)")
    columns = (
        "m mood, ms mood[], d mail, i interval, r int4range, a text[], ip inet, b bit(3),"
        " tz timetz, p point, x xml, v tsvector, h date, n numeric"
    )
    here.run(
        f"CREATE TABLE t (id int PRIMARY KEY, {columns})",
        "INSERT INTO t VALUES (1, 'ok', '{sad,ok}', 'a@b', '-1 mons +2 days', '[1,5)',"
        " '{\"a,b\",NULL,\"\\\\t\"}', '10.0.0.1/8', B'101', '10:00+02', '(1,2)', '<a/>',"
        " 'a:1 b:2', 'infinity', 'NaN')",
        "INSERT INTO t (id) VALUES (2)",
    )
    for mode in ("overwrite", "upsert"):
        desk.copy("t", mode=mode)
        rows = "SELECT t::text FROM t ORDER BY id"
        assert there.rows(rows) == here.rows(rows)
    kinds = (
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum"
    )
    assert there.rows(kinds) == here.rows(kinds)


@pytest.mark.parametrize("kind", SIDES)
def test_a_table_is_copied_within_one_database(places: Places, desk: Desk, kind: str) -> None:
    here, _ = places(kind, kind)
    desk.urls["target"] = here.url
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)", "INSERT INTO t VALUES (1, 'a')")
    for mode in ("overwrite", "upsert", "append"):
        desk.copy("t", f"t_{mode}", mode=mode)
        assert here.rows(f"SELECT * FROM t_{mode}") == [(1, "a")]


@pytest.mark.parametrize("kind", SIDES)
def test_a_query_may_read_the_table_that_it_replaces(places: Places, desk: Desk, kind: str) -> None:
    here, _ = places(kind, kind)
    desk.urls["target"] = here.url
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
    desk.copy({"query": "SELECT id * 10 AS id FROM t"}, "t")
    assert here.rows("SELECT * FROM t ORDER BY id") == [(10,), (20,)]


def test_keys_that_the_target_takes_for_one_are_refused(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "sqlite")
    here.run("CREATE TABLE t (id TEXT PRIMARY KEY, n TEXT)")
    there.run("CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY, n TEXT)")
    here.insert("t", [("a", "1"), ("A", "2")])
    for mode in ("overwrite", "append", "upsert"):
        with pytest.raises(StepFailed, match=r"UNIQUE constraint|only 1 different keys"):
            desk.copy("t", mode=mode)
    assert there.rows("SELECT * FROM t") == []


def test_two_spellings_of_one_instant_are_one_key(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "postgresql")
    here.run("CREATE TABLE t (seen TIMESTAMPTZ PRIMARY KEY)")
    here.insert("t", [("2026-01-01T00:00:00Z",), ("2026-01-01 01:00:00+01:00",)])
    with pytest.raises(StepFailed, match=r"more than one row with seen = "):
        desk.copy("t", mode="upsert")
    assert there.rows("SELECT to_regclass('t')") == [(None,)]
