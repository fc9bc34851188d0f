"""What the SQL of MySQL and MariaDB does to values on their way."""

from collections.abc import Callable
from contextlib import closing, nullcontext
from datetime import UTC, date, datetime
from decimal import Decimal

import pymysql
import pytest
from tests.integration.copying import jde
from tests.integration.copying.conftest import Desk, Place

from nomaflow.connectors.copies import Transfer
from nomaflow.connectors.dialects.mysql.packets import Result
from nomaflow.connectors.dialects.mysql.source import MysqlSource
from nomaflow.connectors.jde_dictionary import JdeDictionary
from nomaflow.connectors.tables import TableName
from nomaflow.errors import StepFailed

Places = Callable[[str, str], tuple[Place, Place]]


def test_jde_rules_are_applied_by_the_server(places: Places, desk: Desk) -> None:
    here, there = places("mariadb", "postgresql")
    jde.make(here)
    desk.dictionary = JdeDictionary()
    assert desk.copy("F0101", type_coercion="jde")["lane"] == "csv"
    query = 'SELECT abupmj::text, aburat FROM "F0101" WHERE aban8 = 1'
    assert there.rows(query) == [("2026-11-22", Decimal("12345.67"))]


@pytest.mark.parametrize("lane", ["auto", "rows"])
@pytest.mark.parametrize("number", ["-1", "366", "126366", "126000", "1000000", "126001.5"])
def test_a_number_that_is_no_julian_date_is_refused_with_its_key(
    places: Places, desk: Desk, lane: str, number: str
) -> None:
    here, there = places("mariadb", "postgresql")
    here.run("CREATE TABLE t (id int PRIMARY KEY, day decimal(9,1))")
    here.run(f"INSERT INTO t VALUES (1, 124366), (2, NULL), (3, 0), (4, {number})")
    columns = {"day": {"julian": True}}
    with pytest.raises(StepFailed, match=r"'day' .*no Julian date.*id = 4"):
        desk.copy("t", columns=columns, lane=lane)
    here.run("DELETE FROM t WHERE id = 4")
    desk.copy("t", columns=columns, lane=lane)
    assert there.rows("SELECT day FROM t ORDER BY id") == [(date(2024, 12, 31),), (None,), (None,)]


def test_scales_and_constants_are_computed_exactly(places: Places, desk: Desk) -> None:
    here, there = places("mariadb", "postgresql")
    here.run("CREATE TABLE t (id int PRIMARY KEY, big bigint, amount decimal(30,3))")
    here.run(f"INSERT INTO t VALUES (1, {2**63 - 1}, '-123456789012345678901234567.125')")
    columns = {
        "big": {"scale": 4},
        "amount": {"scale": 2},
        "word": {"constant": "it's \\ 100%"},
        "real": {"constant": 0.1},
        "at": {"constant": datetime(2026, 1, 1, tzinfo=UTC)},
    }
    output = desk.copy("t", columns=columns)
    assert there.rows("SELECT big, amount, word, real, at FROM t") == [
        (
            Decimal("922337203685477.5807"),
            Decimal("-1234567890123456789012345.67125"),
            "it's \\ 100%",
            0.1,
            datetime(2026, 1, 1, tzinfo=UTC),
        )
    ]
    assert output["lane"] == "csv"


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ("bigint unsigned", ["9007199254740993", "18446744073709551614", "18446744073709551615"]),
        ("decimal(40,2)", ["12345678901234567890.01", "12345678901234567890.02", "1e30"]),
        ("datetime(6)", ["2026-01-01 00:00:00.5", "2026-01-01 00:00:00.500001", "2026-02-01"]),
        ("varchar(9)", ["a\\b", "b'c", "c"]),
    ],
)
def test_only_what_is_behind_the_mark_is_read_again(
    places: Places, desk: Desk, declared: str, values: list[str]
) -> None:
    here, there = places("mariadb", "postgresql")
    here.run(f"CREATE TABLE t (id int PRIMARY KEY, grows {declared})")
    for number, value in enumerate(values):
        here.insert("t", [(number, value)])
        output = desk.copy("t", mode="append", incremental={"column": "grows"}, run_id=number)
        assert output["target_rows"] == 1
    assert there.rows("SELECT count(*) FROM t") == [(len(values),)]


def test_an_error_of_the_target_is_not_taken_for_the_sources(mariadb_url: str) -> None:
    place = Place(mariadb_url)
    place.run("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    with closing(place.open()) as connection:
        source = MysqlSource(connection)
        table = source.table(TableName("t"))
        assert table is not None
        query = source.select(table, table.columns, None, {})
        transfer = Transfer(query, [query], table.name, table.columns, table.columns, verbatim=True)
        lines = source.csv().opened(transfer, "", lambda _: nullcontext())
        assert [each.data for each in lines.__enter__()] == [b"1\n"]
        error = pymysql.OperationalError(2006, "the target is gone")
        assert not lines.__exit__(type(error), error, None)
        assert source.count(query, 10) == 1


def test_a_single_in_a_double_is_the_number_that_was_meant(places: Places, desk: Desk) -> None:
    here, there = places("mariadb", "mariadb")
    here.run("CREATE TABLE t (id int PRIMARY KEY, v float)", "INSERT INTO t VALUES (1, 0.1)")
    there.run("CREATE TABLE t (id int PRIMARY KEY, v double)")
    desk.copy("t", verify="checksum")
    assert there.rows("SELECT v FROM t") == [(0.1,)]


@pytest.mark.parametrize("size", [1, 700, 70_000])
def test_a_connection_is_of_use_after_a_reader_that_stopped_early(
    mariadb_url: str, size: int
) -> None:
    with closing(Place(mariadb_url).open()) as connection:
        sql = f"SELECT seq, REPEAT('x', {size}) FROM seq_1_to_200000"
        with closing(Result(connection, sql)) as result:
            assert next(result.rows())[0] == [b"1", b"x" * size]
        with closing(Result(connection, "SELECT 7")) as result:
            assert list(result.rows()) == [[[b"7"]]]
