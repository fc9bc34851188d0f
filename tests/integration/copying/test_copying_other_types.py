"""A value into a column of another type, in and out of MariaDB and into SQLite.

The right value arrives, or nothing does.
"""

from collections.abc import Callable, Mapping, Sequence

import pytest
from tests.integration.copying.conftest import Desk, Place

from nomaflow.errors import StepFailed, StepRefused

Places = Callable[[str, str], tuple[Place, Place]]
Case = tuple[str, str, str, str | None]
AS_TEXT = {
    "mariadb": "CAST(v AS CHAR)",
    "postgresql": "v::text",
    "sqlite": "CAST(v AS TEXT)",
}

INTO_MARIADB: Sequence[Case] = [
    ("date", "'2026-03-29'", "int", None),
    ("integer", "9584", "date", None),
    ("double precision", "1.5", "bigint", None),
    ("double precision", "7", "bigint", "7"),
    ("bigint", "9007199254740993", "double", None),
    ("integer", "70000", "smallint", None),
    ("integer", "-1", "int unsigned", None),
    ("integer", "2", "boolean", None),
    ("numeric(15,4)", "1.2345", "decimal(10,2)", None),
    ("numeric(15,4)", "1.5000", "decimal(10,2)", "1.50"),
    ("numeric(15,2)", "123456789.12", "decimal(10,2)", None),
    ("varchar(10)", "'abcdef'", "varchar(5)", None),
    ("varchar(10)", "'ab '", "varchar(2)", None),
    ("varchar(10)", "'ab '", "char(5)", "ab"),  # such a column gives no blanks at the end
    ("text", "'z'", "enum('x','y')", None),
    ("timestamp", "'2026-03-29 02:30'", "date", None),
    ("timestamp", "'2026-03-29 02:30:00.123456'", "datetime(3)", None),
    ("text", "'abc'", "blob", None),
]
CASES: Mapping[tuple[str, str], Sequence[Case]] = {
    ("sqlite", "mariadb"): INTO_MARIADB,
    ("postgresql", "mariadb"): [
        *INTO_MARIADB,
        ("time", "'12:00'", "bigint", None),
        ("timestamp", "'2026-03-29 02:30'", "timestamp", None),
        ("timestamptz", "'2026-03-29 02:30+02'", "datetime", None),
        ("timestamptz", "'2026-03-29 02:30+02'", "timestamp(6)", "2026-03-29 00:30:00.000000"),
        ("boolean", "true", "char(1)", None),
        ("boolean", "true", "tinyint(1)", "1"),
        ("uuid", "'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'", "binary(16)", None),
        ("char(10)", "'ab'", "longtext", "ab        "),
        ("double precision", "'NaN'", "double", None),
        ("date", "'infinity'", "date", None),
        ("text", "'NULL'", "varchar(9)", "NULL"),
        ("text", "E'\\\\N'", "varchar(9)", "\\N"),
        ("json", """'{"a":1}'""", "longtext", '{"a":1}'),
    ],
    ("mariadb", "mariadb"): [
        *INTO_MARIADB,
        ("bigint unsigned", "18446744073709551615", "bigint", None),
        ("bigint unsigned", "18446744073709551615", "decimal(20,0)", "18446744073709551615"),
        ("datetime", "'2026-03-29 02:30'", "timestamp", None),
        ("double", "0.123456789012", "float", None),
        ("float", "0.1", "double", "0.1"),
        ("time", "'25:00:00'", "varchar(20)", "25:00:00"),
        ("enum('a','b')", "'b'", "int", None),
        ("bit(8)", "b'101'", "int", "5"),
        ("varchar(9)", "'26-03-29'", "date", None),
    ],
    ("mariadb", "postgresql"): [
        ("date", "'2026-03-29'", "integer", None),
        ("double", "1.5", "bigint", None),
        ("double", "0.1", "real", "0.1"),
        ("double", "0.123456789012", "real", None),
        ("float", "0.1", "double precision", "0.1"),
        ("bigint unsigned", "18446744073709551615", "bigint", None),
        ("time", "'25:00:00'", "time", None),
        ("time", "'25:00:00'", "text", "25:00:00"),
        ("datetime", "'2026-03-29 02:30'", "timestamptz", None),
        ("timestamp", "'2026-03-29 02:30'", "timestamp", None),
        ("tinyint(1)", "2", "boolean", None),
        ("tinyint(1)", "2", "smallint", "2"),
        ("decimal(15,4)", "1.2345", "numeric(10,2)", None),
        ("varchar(9)", "'abcdef'", "varchar(5)", None),
        ("varchar(9)", "'NULL'", "text", "NULL"),
        ("varchar(9)", "''", "text", ""),
        ("varchar(9)", "concat('a', char(0))", "text", None),
        ("binary(3)", "'a'", "bytea", "\\x610000"),
        ("bit(8)", "b'101'", "integer", "5"),
        ("year", "2026", "date", None),
    ],
    ("mariadb", "sqlite"): [
        ("date", "'2026-03-29'", "integer", None),
        ("double", "1.5", "bigint", None),
        ("bigint unsigned", "18446744073709551615", "bigint", None),
        ("time", "'25:00:00'", "time", None),
        ("datetime", "'2026-03-29 02:30'", "timestamptz", None),
        ("tinyint(1)", "2", "boolean", None),
        ("decimal(15,4)", "1.2345", "numeric(10,2)", None),
        ("varchar(9)", "'abcdef'", "varchar(5)", None),
        ("varchar(9)", "'1047.29'", "text", "1047.29"),
    ],
    ("sqlite", "postgresql"): [
        ("NUM", "1047.29", "numeric", "1047.29"),
        ("NUM", "1047.29", "integer", None),
        ("INTEGER", "1047.29", "integer", None),
        ("TEXT", "'7'", "integer", "7"),
        ("TEXT", "'7x'", "integer", None),
        ("REAL", "0.1", "real", "0.1"),
        ("REAL", "0.30000000000000004", "double precision", "0.30000000000000004"),
    ],
}


@pytest.mark.parametrize("lane", ["auto", "rows"])
@pytest.mark.parametrize(("source", "target"), CASES)
def test_a_change_of_type_gives_the_right_value_or_nothing(
    places: Places, desk: Desk, source: str, target: str, lane: str
) -> None:
    here, there = places(source, target)
    cases = CASES[source, target]
    for number, (ours, value, theirs, _) in enumerate(cases):
        here.run(
            f"CREATE TABLE t{number} (id INT PRIMARY KEY, v {ours})",
            f"INSERT INTO t{number} VALUES (1, NULL), (37, {value})",
        )
        there.run(
            f"CREATE TABLE t{number} (id INT PRIMARY KEY, v {theirs} NULL)",
            f"INSERT INTO t{number} (id) VALUES (5)",
        )
    found = [outcome(there, desk, f"t{number}", lane) for number in range(len(cases))]
    assert dict(zip(cases, found, strict=True)) == {case: case[3] for case in cases}


def outcome(there: Place, desk: Desk, table: str, lane: str) -> str | None:
    """What arrived; None: the copy failed, named the column, and left the table as it was."""
    failure = ""
    try:
        desk.copy(table, lane=lane)
    except (StepFailed, StepRefused) as error:
        failure = str(error)
    if failure:
        assert "'v'" in failure
        assert there.rows(f"SELECT id FROM {table}") == [(5,)]
        return None
    ((_, none), (_, value)) = there.rows(
        f"SELECT id, {AS_TEXT[there.kind]} FROM {table} ORDER BY id"
    )
    assert none is None
    return str(value)
