"""Record batches from SQLite: the same rows as one by one, or one by one."""

from collections.abc import Callable

import pytest
from tests.integration.copying.conftest import Desk, Place

from nomaflow.errors import StepCanceled, StepFailed

pytest.importorskip("pyarrow")

Places = Callable[[str, str], tuple[Place, Place]]

TABLE = """
CREATE TABLE t (id INTEGER PRIMARY KEY, small SMALLINT, amount DECIMAL(15,2), exact
  DECIMAL_TEXT(38,10), real REAL, flag BOOLEAN, note TEXT, code VARCHAR(5), raw BLOB, born DATE,
  at TIME, happened TIMESTAMP, seen TIMESTAMPTZ, ident UUID, doc JSON)
"""
FULL = (
    32767, -9999999999999.99, "-1234567890123456789012345678.0123456789", 1.7976931348623157e308,
    1, "ü𝄞\t\\N'", "é" * 5, bytes(range(256)), "0001-01-01", "23:59:59.999999",
    "9999-12-31 23:59:59.999999", "2026-03-29T02:30:00+01:00",
    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", '{"a": [1, 2.50]}',
)  # fmt: skip
EMPTY = (
    -32768, 0.01, "0", -0.0, 0, "", "", b"", "9999-12-31", "00:00", "1970-01-01",
    "0001-01-01 00:00:00Z", "00000000-0000-0000-0000-000000000000", "null",
)  # fmt: skip
NULLS = (None,) * len(FULL)
IN_ONE_ORDER = "SELECT t::text FROM t ORDER BY id"


def filled(places: Places, rows: list[tuple[object, ...]]) -> tuple[Place, Place]:
    here, there = places("sqlite", "postgresql")
    here.run(TABLE)
    here.insert("t", [(n, *row) for n, row in enumerate(rows)])
    return here, there


@pytest.mark.parametrize("mode", ["overwrite", "append", "upsert"])
def test_every_value_arrives_as_it_does_row_by_row(places: Places, desk: Desk, mode: str) -> None:
    _, there = filled(places, [FULL, EMPTY, NULLS, *[NULLS] * 40_000, FULL])
    output = desk.copy("t", mode=mode)
    assert (output["lanes_passed_over"], output["lane"]) == ([], "arrow")
    assert output["target_rows"] == 40_004
    batches = there.rows(IN_ONE_ORDER)
    there.run("DROP TABLE t")
    assert desk.copy("t", mode=mode, lane="rows", run_id=2)["lane"] == "rows"
    assert there.rows(IN_ONE_ORDER) == batches


def test_numbers_that_a_double_spells_shortly_are_those_decimals(
    places: Places, desk: Desk
) -> None:
    here, there = places("sqlite", "postgresql")
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n DECIMAL(15,2), m DECIMAL(9,0))")
    here.insert("t", [(n, n * 37 / 100, n * 7) for n in range(100_000)])
    assert desk.copy("t")["lane"] == "arrow"
    wrong = "SELECT count(*) FROM t WHERE n <> id * 37 / 100.0 OR m <> id * 7"
    assert there.rows(wrong) == [(0,)]


LATE = {
    "a text in an integer": ("n INTEGER", "'abc'", "holds a text, not an integer"),
    "a fraction in an integer": ("n INTEGER", "1.5", "holds a real number"),
    "a digit too many": ("n DECIMAL(10,2)", "1.005", "losing digits"),
    "words in a decimal": ("n DECIMAL(10,2)", "'n/a'", "no decimal number"),
    "a number too large": ("n DECIMAL(4,2)", "123.4", "losing digits"),
    "a number with more digits than a double": ("n DECIMAL(15,0)", "9007199254740993", "losing"),
    "a blob in text": ("n TEXT", "x'41'", "holds a blob, not text"),
    "a text in a blob": ("n BLOB", "'abc'", "holds a text, not a blob"),
    "NUL": ("n TEXT", "'a' || char(0) || 'b'", "NUL byte"),
    "invalid UTF-8": ("n TEXT", "CAST(x'ff41' AS TEXT)", "not valid UTF-8"),
    "a text too long": ("n VARCHAR(3)", "'abcd'", "too long"),
    "a year in a date": ("n DATE", "2026", "holds an integer, not text"),
    "no day": ("n DATE", "'2025-02-29'", "no day of the calendar"),
    "an offset without zone": ("n TIMESTAMP", "'2025-01-01T00:00:00Z'", "UTC offset"),
    "no offset with zone": ("n TIMESTAMPTZ", "'2025-01-01T00:00:00'", "no UTC offset"),
    "two in a boolean": ("n BOOLEAN", "2", "neither 0 nor 1"),
    "no uuid": ("n UUID", "'f81d4fae-7dec-11d0-a765-00a0c91e6bfg'", "is no UUID"),
    "too large a smallint": ("n SMALLINT", "40000", "out of range"),
}


@pytest.mark.parametrize("case", LATE)
@pytest.mark.parametrize("before", [0, 20_000])
def test_a_late_value_of_another_type_is_named_and_changes_nothing(
    places: Places, desk: Desk, case: str, before: int
) -> None:
    declared, value, reason = LATE[case]
    here, there = places("sqlite", "postgresql")
    here.run(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {declared})")
    here.insert("t", [(n, None) for n in range(before)])
    assert desk.copy("t")["lane"] == "arrow"
    here.run(f"INSERT INTO t VALUES (99037, {value})")
    with pytest.raises(StepFailed, match=reason) as caught:
        desk.copy("t")
    assert "id = 99037" in str(caught.value)
    assert there.rows("SELECT count(*) FROM t") == [(before,)]


def test_a_type_of_expressions_is_looked_at_value_by_value(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "postgresql")
    here.run("CREATE TABLE t (id INTEGER)", "INSERT INTO t VALUES (1), (2)")
    there.run("CREATE TABLE q (id bigint, n text)")
    query = "SELECT id, CASE id WHEN 1 THEN 'a' ELSE 0.1 + 0.2 END AS n FROM t"
    with pytest.raises(StepFailed, match=r"holds a real number, not text \(row 2"):
        desk.copy({"query": query}, "q")
    assert there.rows("SELECT count(*) FROM q") == [(0,)]


def test_a_cancel_ends_the_reading(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "postgresql")
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)")
    here.insert("t", [(n, "some text " * 20) for n in range(200_000)])
    desk.port.when_told = lambda line: desk.port.cancellation.ask() if "▶" in line else None
    with pytest.raises(StepCanceled):
        desk.copy("t")
    assert there.rows("SELECT to_regclass('t')") == [(None,)]


def test_a_writer_of_the_source_goes_on_meanwhile(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "postgresql")
    here.run("PRAGMA journal_mode = WAL", "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)")
    here.insert("t", [(n, "some text " * 20) for n in range(100_000)])
    change = "UPDATE t SET n = 'new' WHERE id >= 99000"
    desk.port.when_told = lambda line: here.run(change) if "▶" in line else None
    assert desk.copy("t")["lane"] == "arrow"
    assert there.rows("SELECT count(*), min(n), max(n) FROM t") == [
        (100_000, "some text " * 20, "some text " * 20)
    ]
