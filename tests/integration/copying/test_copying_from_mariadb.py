"""What only MySQL and MariaDB have, and what becomes of it elsewhere."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from tests.integration.copying.conftest import Desk, Place
from tests.waiting import eventually

from nomaflow.errors import StepCanceled, StepFailed, StepRefused

Places = Callable[[str, str], tuple[Place, Place]]

lanes = pytest.mark.parametrize("lane", ["auto", "rows"])
targets = pytest.mark.parametrize("target", ["postgresql", "sqlite"])


def lane_of(output: dict[str, Any]) -> str:
    return str(output["lane"])


def types(place: Place, table: str) -> dict[str, str]:
    """What PostgreSQL's catalogue says of a table's columns."""
    return dict(
        place.rows(
            "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute"
            f" WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum"
        )
    )


EVERYTHING = """
CREATE TABLE t (id int unsigned PRIMARY KEY, tiny tinyint, tinyu tinyint unsigned,
  small smallint unsigned, medium mediumint unsigned, big bigint unsigned, padded int(8) zerofill,
  money decimal(8,2) zerofill, wide decimal(65,30), single float, doubled double, flag boolean,
  bit1 bit, bit5 bit(5), bit64 bit(64), colour enum('red','grün'), sizes set('s','m','l'),
  doc json, born year, latin varchar(20) CHARACTER SET latin1, euro char(3) CHARACTER SET cp1250,
  raw varbinary(8), fixed binary(4), ident uuid, address inet6, at time(3), moment datetime(1),
  seen timestamp, twice int GENERATED ALWAYS AS (tiny * 2))
"""
FIRST = """
INSERT INTO t (id, tiny, tinyu, small, medium, big, padded, money, wide, single, doubled, flag,
  bit1, bit5, bit64, colour, sizes, doc, born, latin, euro, raw, fixed, ident, address, at, moment,
  seen)
VALUES (4294967295, -128, 255, 65535, 16777215, 18446744073709551615, 42, 1.5,
  12345678901234567890123456789012345.123456789012345678901234567890, 16777216, 0.1, TRUE, b'1',
  b'10101', b'1111111111111111111111111111111111111111111111111111111111111111', 'grün', 's,l',
  '{"ü": 1.50}', 2026, 'naïve"', '€', x'00FF5C', x'41', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
  '::1', '23:59:59.5', '2026-03-29 02:30:00.5', '2026-03-29 02:30:00')
"""
FOUND = (
    4294967295, -128, 255, 65535, 16777215, Decimal(18446744073709551615), 42, Decimal("1.50"),
    Decimal("12345678901234567890123456789012345.123456789012345678901234567890"), 16777216.0, 0.1,
    True, True, 21, Decimal(18446744073709551615), "grün", "s,l", '{"ü": 1.50}', 2026, 'naïve"',
    "€  ", b"\x00\xff\\", b"A\x00\x00\x00", UUID("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"), "::1",
    time(23, 59, 59, 500000), datetime.fromisoformat("2026-03-29 02:30:00.5"),
    datetime(2026, 3, 29, 2, 30, tzinfo=UTC), -256,
)  # fmt: skip


@lanes
def test_each_type_arrives_in_the_one_that_holds_it(places: Places, desk: Desk, lane: str) -> None:
    here, there = places("mariadb", "postgresql")
    here.run(EVERYTHING.replace('"', "'"), FIRST.replace("b'", "B'"))
    here.run("INSERT INTO t (id) VALUES (1)")
    output = desk.copy("t", lane=lane, verify="checksum")
    columns = types(there, "t")
    casts = ", ".join("doc::text" if name == "doc" else f'"{name}"' for name in columns)
    assert there.rows(f"SELECT {casts} FROM t ORDER BY id DESC") == [FOUND, (1, *[None] * 28)]
    assert lane_of(output) == ("csv" if lane == "auto" else "rows")
    assert columns == {
        "id": "bigint", "tiny": "smallint", "tinyu": "smallint", "small": "integer",
        "medium": "integer", "big": "numeric(20,0)", "padded": "bigint", "money": "numeric(8,2)",
        "wide": "numeric(65,30)", "single": "real", "doubled": "double precision",
        "flag": "boolean", "bit1": "boolean", "bit5": "smallint", "bit64": "numeric(20,0)",
        "colour": "text", "sizes": "text", "doc": "json", "born": "smallint",
        "latin": "character varying(20)", "euro": "character(3)", "raw": "bytea", "fixed": "bytea",
        "ident": "uuid", "address": "character varying(39)", "at": "time(3) without time zone",
        "moment": "timestamp(1) without time zone", "seen": "timestamp(0) with time zone",
        "twice": "integer",
    }  # fmt: skip


ZERO_DATES = """
CREATE TABLE t (id int PRIMARY KEY, born date, happened datetime, seen timestamp NULL, note text)
"""
SOME_ZERO = """
INSERT INTO t VALUES (1, '2026-01-01', '2026-01-01', '2026-01-01', 'a'),
  (2, '0000-00-00', '0000-00-00', '0000-00-00', 'b'), (3, NULL, NULL, NULL, 'c')
"""


@lanes
@targets
def test_a_zero_date_becomes_null_and_is_told(
    places: Places, desk: Desk, lane: str, target: str
) -> None:
    here, there = places("mariadb", target)
    here.run(ZERO_DATES, SOME_ZERO)
    output = desk.copy("t", lane=lane, verify="checksum")
    assert there.rows("SELECT id FROM t WHERE born IS NULL AND seen IS NULL ORDER BY id") == [
        (2,), (3,),
    ]  # fmt: skip
    assert output["became_null"] == {"born": 1, "happened": 1, "seen": 1}
    assert "column 'born': a zero date such as 0000-00-00 became NULL 1 ×" in desk.port.lines
    if target == "postgresql":
        assert lane_of(output) == ("csv" if lane == "auto" else "rows")


@lanes
@targets
def test_a_day_or_month_of_zero_becomes_null_too(
    places: Places, desk: Desk, lane: str, target: str
) -> None:
    here, there = places("mariadb", target)
    here.run(ZERO_DATES)
    here.run("INSERT INTO t (id, born) VALUES (1, '2024-00-15'), (2, '2024-05-00')")
    output = desk.copy("t", lane=lane)
    assert there.rows("SELECT id, born FROM t ORDER BY id") == [(1, None), (2, None)]
    assert output["became_null"] == {"born": 2}
    if target == "postgresql":
        assert lane_of(output) == ("csv" if lane == "auto" else "rows")


@lanes
@targets
def test_a_zero_date_where_no_null_may_stand_is_refused_with_its_key(
    places: Places, desk: Desk, lane: str, target: str
) -> None:
    here, there = places("mariadb", target)
    here.run("CREATE TABLE t (id int PRIMARY KEY, born date NOT NULL)")
    here.run("INSERT INTO t VALUES (1, '2026-01-01'), (7, '0000-00-00')")
    there.run("CREATE TABLE t (id int PRIMARY KEY, born date NOT NULL)")
    there.run("INSERT INTO t VALUES (5, '2025-05-05')")
    with pytest.raises(StepFailed, match=r"'born' is a zero date .*id = 7"):
        desk.copy("t", lane=lane)
    assert len(there.rows("SELECT * FROM t")) == 1


@lanes
@targets
def test_a_boolean_that_is_neither_is_refused_with_its_key(
    places: Places, desk: Desk, lane: str, target: str
) -> None:
    here, _ = places("mariadb", target)
    here.run("CREATE TABLE t (id int PRIMARY KEY, flag tinyint(1))")
    here.run("INSERT INTO t VALUES (1, 1), (2, 2)")
    with pytest.raises(StepFailed, match=r"'flag' holds 2.*neither 0 nor 1.*id = 2"):
        desk.copy("t", lane=lane)


@lanes
def test_any_tinyint_fits_a_number_that_the_step_asks_for(
    places: Places, desk: Desk, lane: str
) -> None:
    here, there = places("mariadb", "postgresql")
    here.run("CREATE TABLE t (id int PRIMARY KEY, flag tinyint(1))")
    here.run("INSERT INTO t VALUES (1, -1), (2, 2)")
    desk.copy("t", lane=lane, columns={"flag": {"type": "smallint"}})
    assert there.rows("SELECT * FROM t ORDER BY id") == [(1, -1), (2, 2)]


@lanes
@targets
@pytest.mark.parametrize("duration", ["838:59:59", "-01:00:00", "25:00:00"])
def test_a_duration_is_no_time_of_day(
    places: Places, desk: Desk, lane: str, target: str, duration: str
) -> None:
    here, _ = places("mariadb", target)
    here.run("CREATE TABLE t (id int PRIMARY KEY, worked time)")
    here.run(f"INSERT INTO t VALUES (1, '10:00:00'), (2, '{duration}')")
    with pytest.raises(StepFailed, match=rf"'worked' holds {duration}, which is a duration.*= 2"):
        desk.copy("t", lane=lane)


def test_a_duration_fits_a_text(places: Places, desk: Desk) -> None:
    here, there = places("mariadb", "postgresql")
    here.run("CREATE TABLE t (id int PRIMARY KEY, worked time)")
    here.run("INSERT INTO t VALUES (1, '-838:59:59'), (2, '10:00:00')")
    desk.copy("t", columns={"worked": {"type": "text"}})
    assert there.rows("SELECT worked FROM t ORDER BY id") == [("-838:59:59",), ("10:00:00",)]


@pytest.mark.parametrize("number", [0.1, 16777216.0, 3.4028234e38, 1.1754944e-38, 33554432.0])
@lanes
def test_a_float_keeps_every_digit(places: Places, desk: Desk, lane: str, number: float) -> None:
    here, there = places("mariadb", "postgresql")
    here.run("CREATE TABLE t (id int PRIMARY KEY, single float)")
    here.run(f"INSERT INTO t VALUES (1, {number!r}), (2, ({number!r} + 0e0) / 3)")
    desk.copy("t", lane=lane)
    query = "SELECT id FROM t WHERE single = {} ORDER BY id"
    assert there.rows(query.format(f"{number!r}::real")) == [(1,)]
    assert there.rows(query.format(f"({number!r}::float8 / 3)::real")) == [(2,)]


@lanes
def test_odd_texts_arrive_as_they_are(places: Places, desk: Desk, lane: str) -> None:
    here, there = places("mariadb", "postgresql")
    texts = ["", "NULL", '"', '""', "a,b", "a\nb", "a\r\nb", "\\N", "\\.", '"\n\\."', "a\tb", "x  ",
             "\x01\x1a", "ü𝄞😀", "'"]  # fmt: skip
    here.run("CREATE TABLE t (note longtext, id int PRIMARY KEY) CHARACTER SET utf8mb4")
    here.insert("t", [(text, n) for n, text in enumerate(texts)])
    here.run(f"INSERT INTO t VALUES (NULL, {len(texts)})")
    desk.copy("t", lane=lane)
    assert [row[0] for row in there.rows("SELECT note FROM t ORDER BY id")] == [*texts, None]


def test_a_line_that_would_end_a_csv_goes_by_rows(places: Places, desk: Desk) -> None:
    here, there = places("mariadb", "postgresql")
    here.run("CREATE TABLE t (id int PRIMARY KEY, note text)")
    here.insert("t", [(1, "a\n\\.\nb"), (2, "c")])
    output = desk.copy("t")
    assert there.rows("SELECT * FROM t ORDER BY id") == [(1, "a\n\\.\nb"), (2, "c")]
    assert lane_of(output) == "rows"
    assert r"'\.'" in output["lanes_passed_over"][0]


@lanes
def test_one_nullable_column_keeps_null_and_empty_apart(
    places: Places, desk: Desk, lane: str
) -> None:
    here, there = places("mariadb", "postgresql")
    here.run("CREATE TABLE t (note varchar(5))", "INSERT INTO t VALUES (NULL), (''), ('x')")
    desk.copy("t", lane=lane)
    assert there.rows("SELECT note, count(*) FROM t GROUP BY 1 ORDER BY 1") == [
        ("", 1), ("x", 1), (None, 1),
    ]  # fmt: skip


@lanes
@targets
def test_a_nul_byte_in_a_text_is_refused_or_kept(
    places: Places, desk: Desk, lane: str, target: str
) -> None:
    here, there = places("mariadb", target)
    here.run("CREATE TABLE t (id int PRIMARY KEY, note text)")
    here.insert("t", [(1, "fine"), (2, "a\0b")])
    if target == "sqlite":
        desk.copy("t", lane=lane)
        assert there.rows("SELECT note FROM t WHERE id = 2") == [("a\0b",)]
        return
    with pytest.raises(StepFailed, match=r"'note' holds a NUL byte.*id = 2"):
        desk.copy("t", lane=lane)


@lanes
@pytest.mark.parametrize(
    ("stored", "declared", "value", "reason"),
    [
        ("decimal(15,4)", "numeric(10,2)", "1.2345", "without losing digits"),
        ("varchar(20)", "varchar(3)", "'abc   '", "too long"),
        ("datetime(6)", "timestamp(0)", "'2026-01-01 00:00:00.5'", "fractional seconds"),
        ("bigint", "integer", "2147483648", "out of range"),
        ("double", "real", "0.12345678901", "without losing digits"),
    ],
)
def test_a_value_that_would_be_bent_is_refused(
    places: Places, desk: Desk, lane: str, stored: str, declared: str, value: str, reason: str
) -> None:
    here, there = places("mariadb", "postgresql")
    here.run(
        f"CREATE TABLE t (id int PRIMARY KEY, v {stored})", f"INSERT INTO t VALUES (3, {value})"
    )
    there.run(f"CREATE TABLE t (id int PRIMARY KEY, v {declared})")
    with pytest.raises(StepFailed, match=rf"'v' .*{reason}.*id = 3"):
        desk.copy("t", lane=lane)


def test_a_local_time_does_not_become_an_instant(places: Places, desk: Desk) -> None:
    here, there = places("mariadb", "postgresql")
    here.run("CREATE TABLE t (id int PRIMARY KEY, v datetime)")
    there.run("CREATE TABLE t (id int PRIMARY KEY, v timestamptz)")
    with pytest.raises(StepRefused, match="only one has a time zone"):
        desk.copy("t")


def test_an_instant_does_not_depend_on_the_servers_zone(
    places: Places, desk: Desk, mariadb_server: Any
) -> None:
    here, there = places("mariadb", "postgresql")
    here.run("CREATE TABLE t (id int PRIMARY KEY, v timestamp)")
    here.run("INSERT INTO t VALUES (1, '2026-03-29 01:30:00')")
    mariadb_server.execute("SET GLOBAL time_zone = '+05:00'")
    try:
        desk.copy("t")
    finally:
        mariadb_server.execute("SET GLOBAL time_zone = 'SYSTEM'")
    assert there.rows("SELECT v FROM t") == [(datetime(2026, 3, 29, 1, 30, tzinfo=UTC),)]


def test_the_servers_modes_change_nothing(places: Places, desk: Desk, mariadb_server: Any) -> None:
    here, there = places("mariadb", "postgresql")
    here.run("CREATE TABLE t (id int PRIMARY KEY, pad char(5), note text)")
    here.insert("t", [(1, "ab", "c\\d"), (2, "ab", "c\\d"), (3, "ab", "x")])
    modes = "ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES,ORACLE"
    mariadb_server.execute(f"SET GLOBAL sql_mode = '{modes}'")
    mariadb_server.execute("SET GLOBAL sql_select_limit = 1")
    try:
        desk.copy("t", where='note <> "x" AND note = :note', params={"note": "c\\d"})
    finally:
        mariadb_server.execute("SET GLOBAL sql_mode = DEFAULT")
        mariadb_server.execute("SET GLOBAL sql_select_limit = DEFAULT")
    assert there.rows("SELECT pad::text, note FROM t") == [("ab", "c\\d")] * 2


@targets
def test_geometry_is_refused_by_its_name(places: Places, desk: Desk, target: str) -> None:
    here, _ = places("mariadb", target)
    here.run("CREATE TABLE t (id int PRIMARY KEY, place geometry)")
    with pytest.raises(StepRefused, match=r"column 'place' is geometry"):
        desk.copy("t")
    assert desk.copy("t", columns={"place": {"drop": True}})["source_rows"] == 0


@targets
def test_a_view_and_a_query_are_copied(places: Places, desk: Desk, target: str) -> None:
    here, there = places("mariadb", target)
    here.run("CREATE TABLE t (id int PRIMARY KEY, price decimal(10,2), single float, born date)")
    here.insert("t", [(n, n / 4, 0.1, date(2026, 1, n)) for n in range(1, 10)])
    here.run("CREATE VIEW v AS SELECT id, price * 2 AS doubled FROM t WHERE id > 3")
    assert desk.copy("v")["source_rows"] == 6
    query = "SELECT id, single, price / 3 AS third, born, 'x%%' AS word FROM t WHERE born >= :day"
    desk.copy({"query": query.replace("%%", "%")}, "q", params={"day": date(2026, 1, 5)})
    rows = there.rows("SELECT id, single, word FROM q ORDER BY id")
    assert rows == [(n, 0.1, "x%") for n in range(5, 10)]


def test_every_row_is_of_one_instant(places: Places, desk: Desk) -> None:
    here, there = places("mariadb", "postgresql")
    here.run("CREATE TABLE t (id int PRIMARY KEY, version int)")
    here.insert("t", [(n, 1) for n in range(20_000)])
    desk.port.when_told = lambda line: (
        here.run("UPDATE t SET version = 2", "INSERT INTO t VALUES (-1, 2)")
        if line.startswith("▶ batch 1 ")
        else None
    )
    assert desk.copy("t", batch_size=100, lane="rows")["source_rows"] == 20_000
    assert there.rows("SELECT DISTINCT version FROM t") == [(1,)]


def test_a_row_of_many_packets_arrives(places: Places, desk: Desk, mariadb_server: Any) -> None:
    mariadb_server.execute("SET GLOBAL max_allowed_packet = 67108864")
    here, there = places("mariadb", "postgresql")
    here.run("CREATE TABLE t (id int PRIMARY KEY, raw longblob)")
    here.run("INSERT INTO t VALUES (1, 'before'), (2, REPEAT('x', 17000000)), (3, 'after')")
    for lane in ("auto", "rows"):
        desk.copy("t", lane=lane, verify="checksum")
        assert there.rows("SELECT id, length(raw) FROM t ORDER BY id") == [
            (1, 6), (2, 17_000_000), (3, 5),
        ]  # fmt: skip


def test_a_row_too_long_for_one_text_goes_by_rows(
    places: Places, desk: Desk, mariadb_server: Any
) -> None:
    mariadb_server.execute("SET GLOBAL max_allowed_packet = 1048576")
    here, there = places("mariadb", "postgresql")
    here.run("CREATE TABLE t (id int PRIMARY KEY, raw longblob)")
    here.run("INSERT INTO t VALUES (1, 'a'), (2, REPEAT('x', 1000000))")
    output = desk.copy("t")
    assert "max_allowed_packet" in output["lanes_passed_over"][0]
    assert there.rows("SELECT length(raw) FROM t ORDER BY id") == [(1,), (1_000_000,)]


@lanes
def test_a_stop_is_heard_while_the_server_gives_no_row(
    places: Places, desk: Desk, lane: str
) -> None:
    here, there = places("mariadb", "postgresql")
    there.run("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (5)")
    here.run("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
    running = "SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'"
    stopper = threading.Thread(
        target=lambda: (
            eventually(lambda: bool(here.rows(running))),
            desk.port.cancellation.ask(),
        )
    )
    stopper.start()
    with pytest.raises(StepCanceled):
        desk.copy({"query": "SELECT id FROM t WHERE SLEEP(30) = 0"}, "t", lane=lane)
    stopper.join()
    assert there.rows("SELECT * FROM t") == [(5,)]
