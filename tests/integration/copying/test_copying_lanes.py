"""Which lane a copy takes, and that every lane gives the same rows."""

import threading
from collections.abc import Callable
from contextlib import closing

import pytest
from tests.integration.copying.conftest import Desk, Place

from nomaflow.errors import StepFailed

Places = Callable[[str, str], tuple[Place, Place]]

ROWS = 30_000
FILL = (
    "CREATE TABLE t (id int PRIMARY KEY, name text, amount numeric(12,2), at timestamptz)",
    "INSERT INTO t SELECT n, CASE WHEN n % 3 > 0 THEN 'nö ' || n END, n / 100.0,"
    f" '2026-01-01+00'::timestamptz + n * interval '1 s' FROM generate_series(1, {ROWS}) AS n",
)
SUMS = "SELECT count(*), sum(id), sum(length(name)), sum(amount), max(at)::text FROM t"


@pytest.fixture
def pair(places: Places) -> tuple[Place, Place]:
    here, there = places("postgresql", "postgresql")
    here.run(*FILL)
    return here, there


def test_two_databases_of_postgresql_hand_over_bytes(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    output = desk.copy("t")
    assert output["lane"] == "raw"
    assert output["lanes_passed_over"] == [
        "within: source and target are two databases, or two users of one"
    ]
    assert output["source_rows"] == output["target_rows"] == ROWS
    assert output["bytes"] > ROWS * 30
    assert there.rows(SUMS) == here.rows(SUMS)


def test_two_tables_of_one_database_are_copied_inside_of_it(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    here, _ = pair
    desk.urls["target"] = here.url
    output = desk.copy("t", "u", where="id <= :last", params={"last": 100})
    assert (output["lane"], output["target_rows"]) == ("within", 100)
    assert here.rows("SELECT * FROM u") == here.rows("SELECT * FROM t WHERE id <= 100")


def test_a_step_may_ask_for_rows_one_by_one(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    assert desk.copy("t", lane="rows")["lane"] == "rows"
    assert there.rows(SUMS) == here.rows(SUMS)


@pytest.mark.parametrize("mode", ["overwrite", "append", "upsert"])
def test_partitions_give_each_row_once(pair: tuple[Place, Place], desk: Desk, mode: str) -> None:
    here, there = pair
    output = desk.copy("t", mode=mode, partitions=3)
    assert (output["lane"], output["target_rows"]) == ("raw", ROWS)
    assert there.rows(SUMS) == here.rows(SUMS)


def test_partitions_go_with_a_condition(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    where = "id > :low OR name = :name"
    desk.copy("t", partitions=2, where=where, params={"low": 29_990, "name": "nö 1"})
    assert there.rows("SELECT count(*) FROM t") == [(11,)]


def test_partitions_of_a_partitioned_table_give_each_row_once(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "postgresql")
    here.run(
        "CREATE TABLE t (id int, at date) PARTITION BY RANGE (id)",
        "CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (1000)",
        "CREATE TABLE high PARTITION OF t DEFAULT",
        "INSERT INTO t SELECT n, '2026-01-01' FROM generate_series(1, 50000) AS n",
    )
    desk.copy("t", partitions=4)
    assert there.rows("SELECT count(*), sum(id) FROM t") == [(50_000, 1_250_025_000)]


def test_partitions_see_one_snapshot(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    before = here.rows(SUMS)
    changed = threading.Event()

    def change(_: str) -> None:
        if not changed.is_set():
            changed.set()
            here.run("UPDATE t SET amount = 0 WHERE id % 2 = 0", "DELETE FROM t WHERE id < 99")

    here.run("ALTER TABLE t ADD filler text", "UPDATE t SET filler = repeat('x', 600)")
    desk.port.when_told = change
    desk.copy("t", partitions=2, batch_size=100)
    assert changed.is_set()
    assert there.rows(SUMS) == before


def test_the_bytes_tell_how_far_they_are(pair: tuple[Place, Place], desk: Desk) -> None:
    desk.copy("t", batch_size=10_000)
    assert desk.port.lines[-3] == "▶ batch 3 of 3 · 30 000 rows"
    assert desk.port.reports[-1] == (ROWS, ROWS)


WIDENED = [
    ("smallint", "bigint", "-5", "raw"),
    ("integer", "numeric(20,3)", "7", "raw"),
    ("varchar(10)", "text", "'ä'", "raw"),
    ("numeric(10,2)", "numeric(15,4)", "-1.5", "raw"),
    ("timestamp(3)", "timestamp", "'2026-03-29 02:30:00.125'", "raw"),
    ("json", "jsonb", "'{\"b\": 1}'", "raw"),
    ("real", "double precision", "0.1", "rows"),
    ("char(10)", "text", "'ab'", "rows"),
    ("numeric(15,4)", "numeric(10,2)", "1.5", "rows"),
    ("timestamp", "timestamp(0)", "'2026-03-29 02:30:00'", "rows"),
    ("text", "varchar(3)", "'abc'", "rows"),
    ("numeric(10,0)", "integer", "7", "rows"),
    ("text", "date", "'2026-03-29'", "rows"),
]


@pytest.mark.parametrize(("ours", "theirs", "value", "lane"), WIDENED)
def test_only_a_change_that_keeps_every_value_is_left_to_the_servers(
    places: Places, desk: Desk, ours: str, theirs: str, value: str, lane: str
) -> None:
    here, there = places("postgresql", "postgresql")
    here.run(f"CREATE TABLE t (id int, n {ours})", f"INSERT INTO t VALUES (1, {value})")
    there.run(f"CREATE TABLE t (id int, n {theirs})")
    output = desk.copy("t")
    assert output["lane"] == lane
    fast = there.rows("SELECT n::text FROM t")
    desk.copy("t", lane="rows")
    assert there.rows("SELECT n::text FROM t") == fast
    if lane == "rows":
        assert "column 'n'" in output["lanes_passed_over"][-1]


def test_a_type_of_one_name_that_is_another_is_not_handed_over(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "postgresql")
    here.run("CREATE DOMAIN code AS int", "CREATE TABLE t (n code)", "INSERT INTO t VALUES (7)")
    there.run("CREATE DOMAIN code AS real", "CREATE TABLE t (n code)")
    assert desk.copy("t")["lane"] == "rows"
    assert there.rows("SELECT n::text FROM t") == [("7",)]


def test_a_name_that_is_a_number_inside_is_not_handed_over(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "postgresql")
    there.run("CREATE TABLE other (id int)")
    for place in (here, there):
        place.run("CREATE TABLE named (id int)")
    here.run("CREATE TABLE t (n regclass)", "INSERT INTO t VALUES ('named')")
    assert desk.copy("t")["lane"] == "rows"
    assert there.rows("SELECT n::text FROM t") == [("named",)]


def test_parameters_are_written_into_what_is_copied(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    query = "SELECT :text::text AS a, :number + 1 AS b, '$1 :x' AS c, $$ $2 $$ AS d -- $1"
    output = desk.copy({"query": query}, "q", params={"text": "it's \\ $1", "number": -5})
    assert output["lane"] == "raw"
    assert there.rows("SELECT * FROM q") == [("it's \\ $1", -4, "$1 :x", " $2 ")]


ODD = [(1, "abc"), (2, 1.5), (3, b"\x00"), (4, None), (5, 2**60)]


def test_sqlite_attaches_the_source_and_lets_it_go(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "sqlite")
    here.run('CREATE TABLE "a b" (id INTEGER PRIMARY KEY, n INTEGER)')
    here.insert('"a b"', ODD)
    with closing(here.open()) as writer:

        def hold(line: str) -> None:
            if line.startswith("swapping"):
                writer.execute("BEGIN IMMEDIATE")

        desk.port.when_told = hold
        output = desk.copy("a b", columns={"n": {"rename": "m"}})
    assert (output["lane"], output["target_rows"]) == ("within", 5)
    assert there.rows('SELECT id, m FROM "a b" ORDER BY id') == ODD
    assert not any("waiting" in line for line in desk.port.lines)


def test_names_of_a_condition_mean_the_sources_tables(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "sqlite")
    for place, wanted in ((here, 1), (there, 2)):
        place.run(
            "CREATE TABLE t (id INTEGER PRIMARY KEY)",
            "CREATE TABLE wanted (id INTEGER)",
            f"INSERT INTO wanted VALUES ({wanted})",
        )
    here.run("INSERT INTO t VALUES (1), (2), (3)")
    assert desk.copy("t", where="id IN (SELECT id FROM wanted)")["lane"] == "rows"
    assert there.rows("SELECT id FROM t") == [(1,)]


def test_a_null_that_the_target_does_not_allow_is_named_after_a_fast_lane(
    places: Places, desk: Desk
) -> None:
    for kind in ("sqlite", "postgresql"):
        here, there = places(kind, kind)
        here.run(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)", "INSERT INTO t VALUES (37, NULL)"
        )
        there.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT NOT NULL)")
        with pytest.raises(StepFailed, match=r"Column 'n' is NULL.*id = '?37"):
            desk.copy("t")
        assert any(line.startswith("once more, row by row") for line in desk.port.lines)
