"""PostgreSQL's own types in every lane: the right value arrives, or nothing does."""

from collections.abc import Callable

import pytest
from tests.integration.copying.conftest import Desk, Place

from nomaflow.errors import StepFailed, StepRefused

Places = Callable[[str, str], tuple[Place, Place]]
LANES = ["auto", "rows"]

SPECIAL = (
    "CREATE TYPE mood AS ENUM ('sad', 'so so', 'glad')",
    "CREATE DOMAIN cents AS numeric(12,2) CHECK (VALUE >= 0)",
    "CREATE DOMAIN code AS varchar(5)",
    "CREATE TYPE place AS (street text, number int)",
)
TABLE = """
CREATE TABLE special (
    id int PRIMARY KEY, counts int[], words text[], grid int[][], moods mood[], feeling mood,
    price cents, short code, home place, spell interval, days daterange, span tstzrange,
    several int4multirange, net inet, block cidr, mac macaddr, flags bit(5), more varbit, doc jsonb,
    raw json, page xml, spot point, area box, words_in tsvector, wanted tsquery, cash money,
    letter "char", who name, ident uuid, stamp timestamptz, plain timestamp, day date, hour timetz,
    wide numeric, big real, exact double precision, number oid)
"""
ROWS = (
    """(1, '{1,NULL,-3}', '{"a,b","","NULL",NULL,"\\"q\\""}', '{{1,2},{3,4}}', '{sad,glad}',
    'so so', 0.10, 'é', '("a, b",7)',
    '1 year -2 mons 3 days 04:05:06.000007', '[2026-01-01,2026-02-01)',
    '[2026-01-01 00:00:00.5+02,infinity)', '{[1,3),[7,9)}', '10.0.0.1/8', '10.0.0.0/8',
    '08:00:2b:01:02:03', B'10101', B'1', '{"b": 1.50, "a": null}', '{"b":1.50,  "a":null,"b":2}',
    '<a>é</a>', '(1.5,-2)', '(3,4),(1,2)', 'a:1 fat:2A', 'a & !b', 1234.56, 'x', 'somebody',
    'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', '2026-03-29 01:30:00.123456+00', '0044-03-15 12:00 BC',
    '12026-01-01', '23:59:59.999999+05:30', 'NaN', '3.4028235e38', '5e-324', 4294967295)""",
    """(2, '{}', '{}', '{}', '{}', 'sad', 0, '', '(,)', '-00:00:00.000001', 'empty', '(,)', '{}',
    '::1', '::/0', 'ff:ff:ff:ff:ff:ff', B'00000', B'', '[]', '"x"', '<b/>', '(Infinity,NaN)',
    '(0,0),(0,0)', '', '', -0.01, '\\200', '', '00000000-0000-0000-0000-000000000000', 'infinity',
    '-infinity', 'infinity', '00:00:00-12', 'Infinity', '-Infinity', 'NaN', 0)""",
    f"(3{', NULL' * 36})",
)
SEEN = "SELECT s::text, raw::text, page::text FROM special AS s ORDER BY id"


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("mode", ["overwrite", "append", "upsert"])
def test_every_type_of_postgresql_arrives_as_it_was(
    places: Places, desk: Desk, lane: str, mode: str
) -> None:
    here, there = places("postgresql", "postgresql")
    here.run(*SPECIAL, TABLE, *(f"INSERT INTO special VALUES {row}" for row in ROWS))
    there.run(*SPECIAL)
    desk.copy("special", mode=mode, lane=lane, verify="checksum")
    assert there.rows(SEEN) == here.rows(SEEN)
    assert there.rows("SELECT count(*) FROM special") == [(3,)]


def test_a_type_that_the_other_database_does_not_have_is_refused(
    places: Places, desk: Desk
) -> None:
    here, there = places("postgresql", "postgresql")
    here.run(*SPECIAL, TABLE)
    with pytest.raises(StepRefused, match="column 'moods' is mood"):
        desk.copy("special")
    assert there.rows("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


READABLE = {
    "mood": ("'so so'", "so so"),
    "interval": ("'1 year 2 mons -3 days 04:05:06.7'", "1 year 2 mons -3 days +04:05:06.7"),
    "inet": ("'10.0.0.1/8'", "10.0.0.1/8"),
    "cents": ("0.10", 0.1),
    "code": ("'é'", "é"),
    "uuid": ("'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    "json": ("""'{"b":1.50,  "b":2}'""", '{"b":1.50,  "b":2}'),
    "timestamp": ("'2026-03-29 02:30:00.5'", "2026-03-29 02:30:00.5"),
    "timestamptz": ("'2026-03-29 02:30+02'", "2026-03-29 00:30:00+00:00"),
}


@pytest.mark.parametrize("kind", READABLE)
def test_what_reads_the_same_elsewhere_is_carried_as_text(
    places: Places, desk: Desk, kind: str
) -> None:
    here, there = places("postgresql", "sqlite")
    written, read = READABLE[kind]
    here.run(*SPECIAL, f"CREATE TABLE t (id int PRIMARY KEY, v {kind})")
    here.run(f"INSERT INTO t VALUES (1, {written}), (2, NULL)")
    desk.copy("t", verify="checksum")
    assert there.rows("SELECT v FROM t ORDER BY id") == [(read,), (None,)]


@pytest.mark.parametrize("kind", ["int[]", "mood[]", "place", "daterange", "point", "bit(3)"])
def test_what_only_postgresql_has_is_refused_before_a_row_moves(
    places: Places, desk: Desk, kind: str
) -> None:
    here, there = places("postgresql", "sqlite")
    here.run(*SPECIAL, f"CREATE TABLE t (id int PRIMARY KEY, v {kind})")
    with pytest.raises(StepRefused, match="column 'v' is "):
        desk.copy("t")
    assert there.rows("SELECT count(*) FROM sqlite_master") == [(0,)]


SILENTLY_WRONG = [
    ("date", "'2026-03-29'", "integer", None),
    ("integer", "9584", "date", None),
    ("double precision", "1.5", "bigint", None),
    ("double precision", "7", "bigint", "7"),
    ("real", "1.5", "integer", None),
    ("time", "'12:00'", "bigint", None),
    ("bigint", "43200000000", "time", None),
    ("timestamp", "'2026-03-29 02:30'", "timestamptz", None),
    ("timestamptz", "'2026-03-29 02:30+02'", "timestamp", None),
    ("boolean", "true", '"char"', None),
    ("uuid", "'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'", "bytea", None),
    ("text", "'abc'", "bytea", None),
    ("numeric(15,4)", "1.2345", "numeric(10,2)", None),
    ("numeric(15,4)", "1.5000", "numeric(10,2)", "1.50"),
    ("numeric(15,2)", "123456789.12", "numeric(10,2)", None),
    ("varchar(10)", "'abcdef'", "varchar(5)", None),
    ("integer", "70000", "smallint", None),
    ("bigint", "9007199254740993", "double precision", None),
    ("double precision", "0.1", "real", "0.1"),
    ("double precision", "0.123456789012", "real", None),
    ("timestamp", "'2026-03-29 02:30:00.123456'", "timestamp(3)", None),
    ("date", "'2026-03-29'", "timestamp", "2026-03-29 00:00:00"),
    ("timestamp", "'2026-03-29 02:30'", "date", None),
    ("integer", "2", "boolean", None),
    ("json", """'{"a":1}'""", "text", '{"a":1}'),
    ("numeric", "'NaN'", "integer", None),
]


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize(("ours", "value", "theirs", "arrives"), SILENTLY_WRONG)
def test_a_change_of_type_gives_the_right_value_or_nothing(
    places: Places,
    desk: Desk,
    *,
    lane: str,
    ours: str,
    value: str,
    theirs: str,
    arrives: str | None,
) -> None:
    here, there = places("postgresql", "postgresql")
    here.run(f"CREATE TABLE t (id int PRIMARY KEY, v {ours})")
    here.run(f"INSERT INTO t VALUES (1, NULL), (37, {value})")
    there.run(f"CREATE TABLE t (id int PRIMARY KEY, v {theirs})", "INSERT INTO t VALUES (5)")
    if arrives is None:
        with pytest.raises((StepFailed, StepRefused), match="'v'"):
            desk.copy("t", lane=lane)
        assert there.rows("SELECT id FROM t") == [(5,)]
    else:
        desk.copy("t", lane=lane)
        assert there.rows("SELECT id, v::text FROM t ORDER BY id") == [(1, None), (37, arrives)]


@pytest.mark.parametrize("lane", LANES)
def test_padding_of_a_char_is_told_or_trimmed_never_lost_in_silence(
    places: Places, desk: Desk, lane: str
) -> None:
    here, there = places("postgresql", "postgresql")
    here.run("CREATE TABLE t (id int PRIMARY KEY, v char(10))", "INSERT INTO t VALUES (1, 'ab')")
    there.run("CREATE TABLE t (id int PRIMARY KEY, v text)")
    desk.copy("t", lane=lane)
    assert there.rows("SELECT v FROM t") == [("ab        ",)]
    desk.copy("t", lane=lane, strip_both_columns=["v"])
    assert there.rows("SELECT v FROM t") == [("ab",)]


@pytest.mark.parametrize("lane", LANES)
def test_generated_and_identity_columns_keep_their_meaning(
    places: Places, desk: Desk, lane: str
) -> None:
    here, there = places("postgresql", "postgresql")
    table = (
        "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int,"
        " twice int GENERATED ALWAYS AS (n * 2) STORED)"
    )
    here.run(table, "INSERT INTO t (n) SELECT * FROM generate_series(1, 5)")
    there.run(table)
    for mode in ("overwrite", "upsert"):
        desk.copy("t", mode=mode, lane=lane)
        assert there.rows("SELECT * FROM t ORDER BY id") == here.rows("SELECT * FROM t ORDER BY id")
    desk.copy("t", lane=lane)
    there.run("INSERT INTO t (n) VALUES (9)")
    assert there.rows("SELECT id, twice FROM t WHERE n = 9") == [(6, 18)]
    desk.copy("t", "plain", lane=lane)
    assert there.rows("SELECT twice FROM plain ORDER BY id") == [(2,), (4,), (6,), (8,), (10,)]
