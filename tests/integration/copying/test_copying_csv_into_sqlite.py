"""CSV of a server, written into SQLite in bulk: the same values as row by row, or row by row."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.copying.conftest import Desk, Place
from tests.integration.copying.doomed import killed_copy

from nomaflow.connectors.dialects.sqlite.beside import beside
from nomaflow.errors import StepCanceled, StepFailed

pytest.importorskip("pyarrow")

Places = Callable[[str, str], tuple[Place, Place]]

STORED = "SELECT *, typeof(n) FROM t ORDER BY id"
VALUES = {
    "postgresql": {
        "smallint": "-32768", "bigint": "9223372036854775807", "numeric(15,2)": "100",
        "numeric(38,10)": "-1234567890123456789012345678.0123456789", "numeric": "'1e-30'",
        "real": "0.1", "double precision": "'-Infinity'", "boolean": "false",
        "text": "'a,\"\n\r\t\\N'",
        "varchar(5)": "''", "char(5)": "'ab'", "bytea": "'\\x5c7800ff'", "date": "'0001-01-01'",
        "time": "'23:59:59.500'", "timestamp": "'9999-12-31 23:59:59.999999'",
        "timestamp(0)": "'2026-03-29 02:30:00'", "timestamptz": "'2026-03-29 02:30:00.25+01'",
        "uuid": "'F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6'", "json": "'{\"b\": [1, 2.50]}'",
        "jsonb": "'{\"b\": [1, 2.50]}'", "interval": "'1 day 02:00'", "inet": "'10.0.0.1/8'",
    },
    "mariadb": {
        "int(8) zerofill": "42", "decimal(15,2)": "-0.5", "decimal(38,10)": "7", "double": "0.1",
        "boolean": "true", "bit(3)": "b'101'", "text": "'a,\"\\0\n\\\\'", "char(5)": "'ab '",
        "longblob": "x'5c7800ff'", "date": "'2026-03-29'", "time(3)": "'01:02:03.400'",
        "datetime(6)": "'2026-03-29 02:30:00.500'", "datetime": "'2026-03-29 02:30:10'",
        "timestamp(6) NULL": "'2026-03-29 02:30:00'",
        "uuid": "'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'",
        "json": "'[1]'", "enum('a','b')": "'b'",
    },
}  # fmt: skip
CASES = [(kind, declared) for kind, values in VALUES.items() for declared in values]


@pytest.mark.parametrize(("kind", "declared"), CASES)
def test_a_value_is_stored_as_it_is_row_by_row(
    places: Places, desk: Desk, kind: str, declared: str
) -> None:
    here, there = places(kind, "sqlite")
    here.run(
        f"CREATE TABLE t (id int PRIMARY KEY, n {declared})",
        f"INSERT INTO t VALUES (1, {VALUES[kind][declared]}), (2, NULL)",
    )
    output = desk.copy("t")
    assert (output["lanes_passed_over"], output["lane"]) == ([], "csv")
    stored = there.rows(STORED)
    desk.copy("t", lane="rows")
    assert there.rows(STORED) == stored


LATE = {
    "NaN in a decimal": ("numeric(10,2)", "'NaN'", "no finite number"),
    "infinity in a decimal": ("numeric", "'-Infinity'", "no finite number"),
    "NaN": ("double precision", "'NaN'", "is NaN"),
    "a date before all": ("date", "'0044-03-15 BC'", "years 1 to 9999"),
    "a date after all": ("date", "'infinity'", "years 1 to 9999"),
    "the year 10000": ("timestamp", "'10000-01-01'", "years 1 to 9999"),
    "an endless instant": ("timestamptz", "'-infinity'", "years 1 to 9999"),
}


@pytest.mark.parametrize("case", LATE)
def test_a_value_that_sqlite_has_not_is_named_and_changes_nothing(
    places: Places, desk: Desk, case: str
) -> None:
    declared, value, reason = LATE[case]
    here, there = places("postgresql", "sqlite")
    here.run(f"CREATE TABLE t (id int PRIMARY KEY, n {declared})", "INSERT INTO t VALUES (1)")
    assert desk.copy("t")["lane"] == "csv"
    here.run(f"INSERT INTO t VALUES (99037, {value})")
    with pytest.raises(StepFailed, match=reason) as caught:
        desk.copy("t")
    assert "id = 99037" in str(caught.value)
    assert there.rows("SELECT id FROM t") == [(1,)]


def test_dates_that_are_none_become_null_or_are_named(places: Places, desk: Desk) -> None:
    here, there = places("mariadb", "sqlite")
    here.run("CREATE TABLE t (id int PRIMARY KEY, n date)")
    zeros = "(1, '0000-00-00'), (2, '2026-01-01'), (3, '2026-00-10')"
    here.run("SET sql_mode = ''", f"INSERT INTO t VALUES {zeros}")
    output = desk.copy("t")
    assert (output["lane"], output["became_null"]) == ("csv", {"n": 2})
    assert there.rows("SELECT * FROM t") == [(1, None), (2, "2026-01-01"), (3, None)]
    there.run("CREATE TABLE u (id INTEGER, n DATE NOT NULL)")
    with pytest.raises(StepFailed, match="'n' is NULL or a zero date"):
        desk.copy("t", "u")


@pytest.mark.parametrize("mode", ["overwrite", "append", "upsert"])
def test_many_rows_arrive_in_every_mode_and_nothing_is_left(
    places: Places, desk: Desk, tmp_path: Path, mode: str
) -> None:
    here, there = places("postgresql", "sqlite")
    here.run(
        "CREATE TABLE t (id int PRIMARY KEY, n text)",
        "INSERT INTO t SELECT n, CASE WHEN n % 3 > 0 THEN repeat(E'n\\n\"', n % 20) END"
        " FROM generate_series(1, 100000) AS n",
    )
    output = desk.copy("t", mode=mode)
    assert (output["lane"], output["target_rows"]) == ("csv", 100_000)
    assert there.rows("SELECT * FROM t ORDER BY id") == here.rows("SELECT * FROM t ORDER BY id")
    assert [path.name for path in tmp_path.iterdir() if "nomaflow" in path.name] == []


def test_a_cancel_ends_the_reading(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "sqlite")
    here.run("CREATE TABLE t AS SELECT n FROM generate_series(1, 1000000) AS n")
    desk.port.when_told = lambda line: desk.port.cancellation.ask() if "▶" in line else None
    with pytest.raises(StepCanceled):
        desk.copy("t", batch_size=1000)
    assert there.tables() == []


@pytest.mark.parametrize(("at", "after_ms"), [("▶", 0), ("swapping", 0), ("swapping", 40)])
def test_a_killed_copy_leaves_a_whole_table_and_the_next_one_tidies_up(
    places: Places, desk: Desk, tmp_path: Path, at: str, after_ms: int
) -> None:
    here, there = places("postgresql", "sqlite")
    here.run("CREATE TABLE t AS SELECT n, 1 AS version FROM generate_series(1, 100000) AS n")
    there.run("CREATE TABLE t (n INTEGER, version INTEGER)", "INSERT INTO t VALUES (1, 0)")
    killed_copy(desk.urls, "t", at=at, after_seconds=after_ms / 1000, lane="auto")
    assert there.rows("SELECT version, count(*) FROM t") in ([(0, 1)], [(1, 100_000)])
    left = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert len(left) == (1 if at == "▶" else 0)
    assert desk.copy("t")["lane"] == "csv"
    assert there.rows("SELECT version, count(*) FROM t") == [(1, 100_000)]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_what_a_killed_copy_left_is_removed_and_a_living_one_is_not_touched(
    tmp_path: Path,
) -> None:
    database = str(tmp_path / "[1].db")
    code = (
        "from nomaflow.connectors.dialects.sqlite.beside import beside\n"
        f"with beside({database!r}) as file:\n"
        "    file.write_text('some')\n    print(file, flush=True)\n    input()\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], text=True, **pipes) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        with beside(database) as ours:
            assert theirs.exists()
            assert ours.parent.exists()
        os.kill(other.pid, signal.SIGKILL)
    with beside(database):
        assert not theirs.parent.exists()
    assert list(tmp_path.iterdir()) == []
