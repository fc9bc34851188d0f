from collections.abc import Callable

import pytest
from tests.integration.copying.conftest import Desk, Place

from nomaflow.errors import StepFailed

Places = Callable[[str, str], tuple[Place, Place]]

INTO_POSTGRESQL = {
    "text in an integer": ("n INTEGER", "'abc'", "holds a text, not an integer"),
    "a fraction in an integer": ("n INTEGER", "1.5", "holds a real number, not an integer"),
    "1e400 in an integer": ("n INTEGER", "1e400", "holds a real number, not an integer"),
    "1e400 in a decimal": ("n DECIMAL(10,2)", "1e400", "no finite decimal"),
    "too large a smallint": ("n SMALLINT", "40000", "out of range for smallint"),
    "a digit too many": ("n DECIMAL(10,2)", "1.005", "losing digits"),
    "a number too large": ("n DECIMAL(4,2)", "123.4", "losing digits"),
    "words in a decimal": ("n DECIMAL(10,2)", "'n/a'", "no decimal number"),
    "invalid UTF-8": ("n TEXT", "CAST(x'ff41' AS TEXT)", "not valid UTF-8"),
    "NUL": ("n TEXT", "'a' || char(0) || 'b'", "NUL byte"),
    "a text too long": ("n VARCHAR(3)", "'abcd'", r"too long for character varying\(3\)"),
    "a blob in text": ("n TEXT", "x'00ff'", "holds a blob, not text"),
    "a text in a blob": ("n BLOB", "'abc'", "holds a text, not a blob"),
    "two in a boolean": ("n BOOLEAN", "2", "neither 0 nor 1"),
    "no day": ("n DATE", "'2025-02-29'", "no day of the calendar"),
    "a time in a date": ("n DATE", "'2025-02-28 10:00'", "time of day"),
    "an epoch in a date": ("n DATE", "1700000000", "holds an integer, not text"),
    "hour 25": ("n TIME", "'25:00:00'", "time of day"),
    "an offset without zone": ("n TIMESTAMP", "'2025-01-01T00:00:00Z'", "UTC offset"),
    "no offset with zone": ("n TIMESTAMPTZ", "'2025-01-01T00:00:00'", "no UTC offset"),
    "nanoseconds": ("n TIMESTAMP", "'2025-01-01 00:00:00.123456789'", "no date or timestamp"),
    "milliseconds too many": ("n TIMESTAMP(0)", "'2025-01-01 00:00:00.5'", "fractional seconds"),
    "no uuid": ("n UUID", "'abc'", "is no UUID"),
    "no json": ("n JSON", "'{'", "invalid input syntax for type json"),
    "NULL in a key": ("n TEXT", "'x', NULL", "is NULL"),
}


@pytest.mark.parametrize("case", INTO_POSTGRESQL)
def test_a_bad_value_of_sqlite_is_named_and_the_target_is_unchanged(
    places: Places, desk: Desk, case: str
) -> None:
    declared, value, reason = INTO_POSTGRESQL[case]
    here, there = places("sqlite", "postgresql")
    here.run(
        f"CREATE TABLE t (id TEXT PRIMARY KEY, {declared}, k TEXT, UNIQUE (k))",
        "INSERT INTO t (id, n) VALUES ('fine', NULL)",
    )
    desk.copy("t")
    if case == "NULL in a key":
        here.run("INSERT INTO t (n, id) VALUES ('x', NULL)")
    else:
        here.run(f"INSERT INTO t (id, n) VALUES ('k37', {value})")
    with pytest.raises(StepFailed, match=reason) as caught:
        desk.copy("t")
    column, key = ("id", "None") if case == "NULL in a key" else ("n", "'k37'")
    assert f"Column '{column}'" in str(caught.value)
    assert f"(id = {key})" in str(caught.value)
    assert there.rows("SELECT id FROM t") == [("fine",)]


NOT_FOR_MARIADB = frozenset({"NUL", "NULL in a key", "no json"})


@pytest.mark.parametrize("lane", ["auto", "rows"])
def test_mariadb_bends_none_of_them(places: Places, desk: Desk, lane: str) -> None:
    here, there = places("sqlite", "mariadb")
    named = {}
    for number, case in enumerate(sorted(INTO_POSTGRESQL.keys() - NOT_FOR_MARIADB)):
        declared, value, _ = INTO_POSTGRESQL[case]
        table = f"t{number}"
        here.run(
            f"CREATE TABLE {table} (id VARCHAR(20) PRIMARY KEY, {declared})",
            f"INSERT INTO {table} (id, n) VALUES ('fine', NULL)",
        )
        desk.copy(table, lane=lane)
        here.run(f"INSERT INTO {table} (id, n) VALUES ('k37', {value})")
        with pytest.raises(StepFailed) as caught:
            desk.copy(table, lane=lane)
        named[case] = "Column 'n'" in str(caught.value) and "(id = 'k37')" in str(caught.value)
        assert there.rows(f"SELECT id FROM {table}") == [("fine",)]
    assert [case for case, is_named in named.items() if not is_named] == []


INTO_SQLITE = {
    "infinity": ("timestamp", "'infinity'", "outside of the years"),
    "a year before Christ": ("date", "'0044-03-15 BC'", "outside of the years"),
    "a year of five digits": ("timestamptz", "'12026-01-01'", "outside of the years"),
    "NaN": ("double precision", "'NaN'", "NaN"),
    "a decimal NaN": ("numeric(10,2)", "'NaN'", "does not fit|more digits|no finite"),
    "a decimal infinity": ("numeric", "'Infinity'", "no finite number"),
}


@pytest.mark.parametrize("case", INTO_SQLITE)
def test_what_sqlite_would_bend_is_named_and_the_target_is_unchanged(
    places: Places, desk: Desk, case: str
) -> None:
    declared, value, reason = INTO_SQLITE[case]
    here, there = places("postgresql", "sqlite")
    here.run(f"CREATE TABLE t (id int PRIMARY KEY, n {declared})", "INSERT INTO t VALUES (1, NULL)")
    desk.copy("t")
    here.run(f"INSERT INTO t VALUES (37, {value})")
    with pytest.raises(StepFailed, match=reason) as caught:
        desk.copy("t")
    assert "Column 'n'" in str(caught.value)
    assert "(id = 37)" in str(caught.value)
    assert there.rows("SELECT id FROM t") == [(1,)]


def test_the_end_of_a_day_survives_a_round_trip(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "sqlite")
    here.run("CREATE TABLE t (id int PRIMARY KEY, n time)", "INSERT INTO t VALUES (1, '24:00')")
    desk.copy("t")
    assert there.rows("SELECT n FROM t") == [("24:00:00",)]
    desk.urls.update(source=there.url, target=here.url)
    desk.copy("t")
    assert here.rows("SELECT n::text FROM t") == [("24:00:00",)]


NARROWER = [
    ("numeric(15,4)", "1.2345", "numeric(10,2)", "losing digits"),
    ("integer", "40000", "smallint", "out of range"),
    ("bigint", "3000000000", "integer", "out of range"),
    ("double precision", "0.1234567890123", "real", "losing digits"),
    ("text", "'abcd'", "varchar(3)", "too long"),
    ("timestamp", "'2025-01-01 00:00:00.123'", "timestamp(0)", "fractional seconds"),
    ("numeric(10,2)", "1.5", "integer", "no whole number"),
    ("timestamp", "'2025-01-01 10:00'", "date", "time of day"),
    ("text", "'x'", "integer", "no plain integer"),
]


@pytest.mark.parametrize(("wide", "value", "narrow", "reason"), NARROWER)
def test_a_narrower_target_takes_what_fits_and_names_what_does_not(
    places: Places, desk: Desk, wide: str, value: str, narrow: str, reason: str
) -> None:
    here, there = places("postgresql", "postgresql")
    here.run(f"CREATE TABLE t (id int PRIMARY KEY, n {wide})", "INSERT INTO t VALUES (1, NULL)")
    there.run(f"CREATE TABLE t (id int PRIMARY KEY, n {narrow})")
    assert desk.copy("t")["target_rows"] == 1
    here.run(f"INSERT INTO t VALUES (37, {value})")
    with pytest.raises(StepFailed, match=reason) as caught:
        desk.copy("t")
    assert "Column 'n'" in str(caught.value)
    assert "(id = 37)" in str(caught.value)
    assert there.rows("SELECT id FROM t") == [(1,)]


def test_a_row_without_a_key_is_named_by_its_number(places: Places, desk: Desk) -> None:
    here, _ = places("sqlite", "postgresql")
    here.run("CREATE TABLE t (n INTEGER)")
    here.insert("t", [(1,)] * 500 + [("abc",)])
    with pytest.raises(StepFailed, match=r"row 501 of the source"):
        desk.copy("t", batch_size=100)


def test_sqlite_carries_odd_values_between_columns_of_one_declaration(
    places: Places, desk: Desk
) -> None:
    here, there = places("sqlite", "sqlite")
    rows = [(1, "abc"), (2, 1.5), (3, b"\x00"), (4, None), (5, 2**60), (6, float("inf"))]
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)")
    here.insert("t", rows)
    for _ in range(2):
        desk.copy("t")
        assert there.rows("SELECT * FROM t ORDER BY id") == rows


def test_a_duplicate_key_of_the_source_is_named(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "postgresql")
    here.run("CREATE TABLE t (id INTEGER, n TEXT)")
    here.insert("t", [(1, "a"), (2, "b"), (2, "c")])
    there.run("CREATE TABLE t (id bigint PRIMARY KEY, n text)")
    for mode in ("overwrite", "append", "upsert"):
        with pytest.raises(StepFailed, match=r"more than one row with id = 2"):
            desk.copy("t", mode=mode)
    assert there.rows("SELECT count(*) FROM t") == [(0,)]


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_an_append_of_a_key_that_is_there_is_refused_whole(
    places: Places, desk: Desk, target: str
) -> None:
    here, there = places("sqlite", target)
    for place in (here, there):
        place.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)")
    here.insert("t", [(1, "a"), (2, "b")])
    there.insert("t", [(2, "old")])
    with pytest.raises(StepFailed, match=r"id = 2"):
        desk.copy("t", mode="append")
    assert there.rows("SELECT * FROM t") == [(2, "old")]
