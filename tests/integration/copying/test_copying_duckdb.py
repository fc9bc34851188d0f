"""What DuckDB has that others have not: its types, its lanes, and a file of one process."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from tests.integration.copying.conftest import Desk, Place

from nomaflow.errors import StepFailed, StepRefused, Unreachable

Places = Callable[[str, str], tuple[Place, Place]]
INTEGERS = {
    "TINYINT": (-128, 127),
    "UTINYINT": (0, 255),
    "SMALLINT": (-(2**15), 2**15 - 1),
    "USMALLINT": (0, 2**16 - 1),
    "INTEGER": (-(2**31), 2**31 - 1),
    "UINTEGER": (0, 2**32 - 1),
    "BIGINT": (-(2**63), 2**63 - 1),
    "UBIGINT": (0, 2**64 - 1),
    "HUGEINT": (-(2**127), 2**127 - 1),
    "UHUGEINT": (0, 2**128 - 1),
}
NESTED = ["INTEGER[]", "INTEGER[2]", "STRUCT(a INTEGER)", "MAP(VARCHAR, INTEGER)"]
EVERY_TYPE = (
    "CREATE TABLE t AS SELECT 1 AS id, [1, NULL] AS l, [['a, b'], []] AS ll,"
    " {'a': 'it''s {}'} AS s, map {'k': 1.5} AS m, 'x'::ENUM('x', 'y') AS e,"
    " INTERVAL '-1 month 2 days' AS i,"
    " '1011'::BIT AS b, '10:00:00+02'::TIMETZ AS tz, 'infinity'::DATE AS d,"
    " '-infinity'::TIMESTAMPTZ AS ts, '0044-03-15 (BC)'::DATE AS old,"
    " '2026-01-01 00:00:00.123456789'::TIMESTAMP_NS AS ns, 'nan'::DOUBLE AS f, 0.1::FLOAT AS r,"
    " (2::UHUGEINT ** 100)::UHUGEINT AS h, '\\x00\\xFF'::BLOB AS raw, uuid() AS ident",
    "INSERT INTO t (id) VALUES (2)",
)


@pytest.mark.parametrize("mode", ["overwrite", "append", "upsert"])
@pytest.mark.parametrize("lane", ["auto", "rows"])
def test_every_type_goes_from_one_file_to_another(
    places: Places, desk: Desk, mode: str, lane: str
) -> None:
    here, there = places("duckdb", "duckdb")
    here.run(*EVERY_TYPE, "ALTER TABLE t ADD PRIMARY KEY (id)")
    output = desk.copy("t", mode=mode, lane=lane)
    assert output["lane"] == ("arrow" if lane == "auto" else "rows")
    rows = "SELECT t::VARCHAR FROM t ORDER BY id"
    assert there.rows(rows) == here.rows(rows)
    kinds = "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 't'"
    assert there.rows(kinds) == here.rows(kinds)


def test_two_tables_of_one_file_are_copied_in_one_statement(places: Places, desk: Desk) -> None:
    here, _ = places("duckdb", "duckdb")
    desk.urls["target"] = here.url
    here.run(*EVERY_TYPE)
    assert desk.copy("t", "u", where="id = :id", params={"id": 1})["lane"] == "within"
    assert here.rows("SELECT u::VARCHAR FROM u") == here.rows("SELECT t::VARCHAR FROM t LIMIT 1")


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_integers_of_every_width_arrive(places: Places, desk: Desk, target: str) -> None:
    here, there = places("duckdb", target)
    columns = ", ".join(f"{name.lower()}_ {name}" for name in INTEGERS)
    here.run(f"CREATE TABLE t ({columns})")
    for edge in (0, 1):
        values = ", ".join(f"'{edges[edge]}'::{name}" for name, edges in INTEGERS.items())
        here.run(f"INSERT INTO t VALUES ({values})")
    desk.copy("t")
    found = there.rows("SELECT * FROM t")
    assert [tuple(int(Decimal(value)) for value in row) for row in found] == [
        tuple(edges[edge] for edges in INTEGERS.values()) for edge in (0, 1)
    ]


@pytest.mark.parametrize("kind", INTEGERS)
def test_an_integer_out_of_range_is_named(places: Places, desk: Desk, kind: str) -> None:
    here, there = places("postgresql", "duckdb")
    here.run("CREATE TABLE t (id int PRIMARY KEY, n numeric(40, 0))")
    there.run(f"CREATE TABLE t (id INTEGER PRIMARY KEY, n {kind})")
    low, high = INTEGERS[kind]
    here.insert("t", [(1, Decimal(low)), (2, Decimal(high))])
    desk.copy("t")
    assert there.rows("SELECT n::VARCHAR FROM t ORDER BY id") == [(str(low),), (str(high),)]
    for bad in (low - 1, high + 1):
        here.run(f"UPDATE t SET n = {bad} WHERE id = 2")
        with pytest.raises(StepFailed, match=rf"Column 'n' is out of range for {kind} \(id = 2\)"):
            desk.copy("t")
    assert there.rows("SELECT n::VARCHAR FROM t WHERE id = 2") == [(str(high),)]


@pytest.mark.parametrize("kind", NESTED)
def test_a_nested_type_is_refused_by_name_where_it_does_not_exist(
    places: Places, desk: Desk, kind: str
) -> None:
    here, there = places("duckdb", "postgresql")
    here.run(f"CREATE TABLE t (id INTEGER, deep {kind})")
    with pytest.raises(StepRefused, match=r"column 'deep' is .*leave the column out"):
        desk.copy("t")
    here.run(f"INSERT INTO t VALUES (1, NULL::{kind})")
    desk.copy({"query": "SELECT id, to_json(deep) AS deep FROM t"}, "t")
    assert there.rows("SELECT * FROM t") == [(1, None)]


def test_instants_beyond_the_calendar_arrive_as_postgresql_has_them(
    places: Places, desk: Desk
) -> None:
    here, there = places("duckdb", "postgresql")
    here.run(
        "CREATE TABLE t (id INTEGER, d DATE, s TIMESTAMP, z TIMESTAMPTZ, e ENUM('a', 'ü'))",
        "INSERT INTO t VALUES (1, 'infinity', '-infinity', 'infinity', 'ü'),"
        " (2, '0044-03-15 (BC)', '0044-03-15 (BC) 10:00:00', '0044-03-15 (BC) 10:00:00+00', 'a'),"
        " (3, '10000-01-01', '10000-01-01 00:00:01', '10000-01-01 00:00:01+00', NULL)",
    )
    output = desk.copy("t")
    assert output["lane"] == "rows"
    assert "infinite" in output["lanes_passed_over"][0]
    assert there.rows(
        "SELECT d::text, s::text, (z AT TIME ZONE 'UTC')::text, e FROM t ORDER BY id"
    ) == [
        ("infinity", "-infinity", "infinity", "ü"),
        ("0044-03-15 BC", "0044-03-15 10:00:00 BC", "0044-03-15 10:00:00 BC", "a"),
        ("10000-01-01", "10000-01-01 00:00:01", "10000-01-01 00:00:01", None),
    ]
    desk.urls.update(source=there.url, target=here.url)
    desk.copy("t", "back")
    assert here.rows("SELECT id, d, s, z FROM t EXCEPT SELECT id, d, s, z FROM back") == []


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("TIMESTAMP_S", "2026-01-01 00:00:00.5", "fractional seconds"),
        ("DECIMAL(4,1)", "1.25", "without losing digits"),
        ("ENUM('a')", "b", "does not fit"),
        ("JSON", "{bad", "does not fit"),
        ("UUID", "nobody", "is no UUID"),
    ],
)
def test_a_value_that_does_not_fit_is_named_and_nothing_changes(
    places: Places, desk: Desk, kind: str, text: str, reason: str
) -> None:
    here, there = places("sqlite", "duckdb")
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)")
    here.insert("t", [*((n, None) for n in range(40)), (40, text), (41, None)])
    there.run(f"CREATE TABLE t (id BIGINT PRIMARY KEY, n {kind})", "INSERT INTO t VALUES (7, NULL)")
    with pytest.raises(StepFailed, match=rf"Column 'n' .*{reason}.*id = 40.*unchanged"):
        desk.copy("t", batch_size=16)
    assert there.rows("SELECT * FROM t") == [(7, None)]


@pytest.mark.parametrize(("source", "lane"), [("sqlite", "arrow"), ("postgresql", "rows")])
def test_what_hangs_on_a_table_stands_after_an_overwrite(
    places: Places, desk: Desk, source: str, lane: str
) -> None:
    here, there = places(source, "duckdb")
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n VARCHAR(9))")
    here.insert("t", [(n, f"new {n}") for n in range(50)])
    there.run(
        "CREATE SEQUENCE numbers START 900",
        "CREATE TABLE t (id BIGINT DEFAULT nextval('numbers') PRIMARY KEY, n VARCHAR,"
        " twice BIGINT GENERATED ALWAYS AS (id * 2), CHECK (n <> 'bad'))",
        "CREATE INDEX by_n ON t (n)",
        "COMMENT ON TABLE t IS 'orders'",
        "CREATE VIEW v AS SELECT count(*) AS n FROM t",
        "INSERT INTO t (n) VALUES ('old')",
    )
    output = desk.copy("t")
    assert (output["lane"], output["way"], output["deleted"]) == (lane, "replace", 1)
    assert there.rows("SELECT n FROM v") == [(50,)]
    assert there.rows("SELECT twice FROM t WHERE n = 'new 7'") == [(14,)]
    assert there.rows(
        "SELECT index_name, t.comment FROM duckdb_indexes(), duckdb_tables() AS t"
    ) == [("by_n", "orders")]
    with pytest.raises(Exception, match="CHECK"):
        there.run("INSERT INTO t (n) VALUES ('bad')")


def test_rows_that_foreign_keys_refer_to_are_merged(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "duckdb")
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)")
    here.insert("t", [(1, "one"), (2, "two")])
    there.run(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, n VARCHAR)",
        "CREATE TABLE lines (t BIGINT REFERENCES t (id))",
        "INSERT INTO t VALUES (1, 'old'), (3, 'gone')",
        "INSERT INTO lines VALUES (1)",
    )
    output = desk.copy("t")
    assert (output["way"], output["deleted"], output["updated"]) == ("merge", 1, 1)
    assert there.rows("SELECT * FROM t ORDER BY id") == [(1, "one"), (2, "two")]
    here.run("DELETE FROM t WHERE id = 1")
    with pytest.raises(StepFailed, match=r"(?i)foreign key.*target 'main.t' is unchanged"):
        desk.copy("t")
    assert there.rows("SELECT * FROM t ORDER BY id") == [(1, "one"), (2, "two")]


def test_a_schema_that_is_not_there_is_refused(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "duckdb")
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    with pytest.raises(StepRefused, match="no schema 'mart' for table 't'"):
        desk.copy("t", schema="mart")
    there.run("CREATE SCHEMA mart")
    desk.copy("t", schema="MART")
    assert there.rows("SELECT count(*) FROM mart.t") == [(0,)]


@contextmanager
def holding(place: Place) -> Iterator[None]:
    """While it is open, another process has the file."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open'); sys.stdin.read()"
    file = place.url.removeprefix("duckdb:///")
    with subprocess.Popen(
        [sys.executable, "-c", code, file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        try:
            yield
        finally:
            holder.communicate()


def test_a_file_that_another_process_has_is_named_with_who_has_it(
    places: Places, desk: Desk
) -> None:
    here, there = places("sqlite", "duckdb")
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    desk.patience = 0.2
    with (
        holding(there),
        pytest.raises(Unreachable, match=r"target\.duckdb' is open in another .*PID \d+"),
    ):
        desk.copy("t")
    desk.copy("t")


def test_a_copy_lets_go_of_the_file(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "duckdb")
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    desk.copy("t")
    with holding(there):
        pass


def test_columns_that_were_added_are_told_when_a_copy_begins_again(
    places: Places, desk: Desk
) -> None:
    here, there = places("duckdb", "postgresql")
    here.run("CREATE TABLE t (id INTEGER, d DATE)", "INSERT INTO t VALUES (1, 'infinity')")
    there.run("CREATE TABLE t (id int)")
    output = desk.copy("t", on_drift="add")
    assert (output["added_columns"], output["lane"]) == (["d"], "rows")
    assert there.rows("SELECT d::text FROM t") == [("infinity",)]
