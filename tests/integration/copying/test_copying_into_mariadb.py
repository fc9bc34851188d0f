"""What is of MariaDB alone: warnings, definitions that commit, engines, counters, triggers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.integration.copying.conftest import Desk, Place
from tests.servers.mariadb import MariadbServer

from nomaflow.errors import StepFailed, StepRefused

Places = Callable[[str, str], tuple[Place, Place]]


@pytest.fixture
def pair(places: Places) -> tuple[Place, Place]:
    here, there = places("sqlite", "mariadb")
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)")
    here.insert("t", [(1, "a"), (2, "b"), (3, None)])
    return here, there


@contextmanager
def server_setting(server: MariadbServer, name: str, value: str) -> Iterator[None]:
    server.execute(f"SET GLOBAL {name} = {value}")
    yield
    server.execute(f"SET GLOBAL {name} = DEFAULT")


@pytest.mark.parametrize("lane", ["auto", "rows"])
@pytest.mark.parametrize("source", ["postgresql", "mariadb"])
def test_odd_texts_and_bytes_arrive_as_they_are(
    places: Places, desk: Desk, source: str, lane: str
) -> None:
    here, there = places(source, "mariadb")
    binary = "bytea" if source == "postgresql" else "longblob"
    text = "text" if source == "postgresql" else "longtext"
    here.run(f"CREATE TABLE t (id int PRIMARY KEY, n {text}, raw {binary})")
    texts = [
        "",
        "NULL",
        "\\N",
        '"',
        '","',
        "a\nb\r\n",
        "\x0b\x0c\b\x1a",
        "\\",
        "\\.",
        "  x  ",
        None,
    ]
    rows = [(n, text, bytes(range(256)) if n % 2 else b"") for n, text in enumerate(texts)]
    here.insert("t", rows)
    assert desk.copy("t", lane=lane)["lane"] == ("rows" if lane == "rows" else "csv") or (
        source == "mariadb"
    )
    assert there.rows("SELECT * FROM t ORDER BY id") == rows


@pytest.mark.parametrize("is_allowed", ["ON", "OFF"])
@pytest.mark.parametrize(
    ("declared", "value"),
    [("varchar(3)", "abc "), ("enum('x','y')", "z"), ("varchar(9) CHARACTER SET latin1", "𝄞")],
)
def test_what_the_server_only_warns_of_fails_with_column_and_key(
    pair: tuple[Place, Place],
    desk: Desk,
    mariadb_server: MariadbServer,
    is_allowed: str,
    declared: str,
    value: str,
) -> None:
    here, there = pair
    there.run(f"CREATE TABLE t (id int PRIMARY KEY, n {declared})")
    here.run(f"UPDATE t SET n = '{value}' WHERE id = 2", "UPDATE t SET n = NULL WHERE id = 1")
    with server_setting(mariadb_server, "local_infile", is_allowed):
        for mode in ("overwrite", "append", "upsert"):
            with pytest.raises(StepFailed, match=r"Column 'n' .*\(id = 2\).*is unchanged"):
                desk.copy("t", mode=mode)
    assert there.rows("SELECT * FROM t") == []
    assert there.tables() == ["t"]


def test_a_server_without_local_infile_is_filled_by_inserts(
    pair: tuple[Place, Place], desk: Desk, mariadb_server: MariadbServer
) -> None:
    here, there = pair
    here.insert("t", [(n, f"row {n}") for n in range(4, 1004)])
    with server_setting(mariadb_server, "local_infile", "OFF"):
        output = desk.copy("t")
    assert there.rows("SELECT count(*), max(n) FROM t") == [(1003, "row 999")]
    assert any("local_infile off" in reason for reason in output["lanes_passed_over"])
    assert any(
        "lane rows; passed over: csv: the server has local_infile off" in line
        for line in desk.port.lines
    )


def test_values_that_postgresql_alone_has_are_named(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "mariadb")
    here.run("CREATE TABLE t (id int PRIMARY KEY, d date, s timestamp, n numeric, f float8)")
    for column, value in [
        ("d", "infinity"), ("d", "10000-01-01"), ("s", "0044-03-15 BC"), ("n", "NaN"), ("f", "-inf")
    ]:  # fmt: skip
        here.run("DELETE FROM t", f"INSERT INTO t (id, {column}) VALUES (7, '{value}')")
        with pytest.raises(StepFailed, match=rf"Column '{column}' .*\(id = 7\)"):
            desk.copy("t")
    assert there.tables() == []


def test_fractions_of_a_second_are_not_cut(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "mariadb")
    here.run("CREATE TABLE t (id int PRIMARY KEY, at time, s timestamp)")
    here.run("INSERT INTO t VALUES (1, '10:00:00.5', '2026-01-01 10:00:00.5')")
    there.run("CREATE TABLE t (id int PRIMARY KEY, at time(3), s datetime(3))")
    desk.copy("t")
    assert there.rows("SELECT concat(s) FROM t") == [("2026-01-01 10:00:00.500",)]
    here.run("UPDATE t SET s = '2026-01-01 10:00:00.5001'")
    with pytest.raises(StepFailed, match=r"Column 's' has more fractional seconds.*\(id = 1\)"):
        desk.copy("t")


def test_an_instant_that_is_null_does_not_become_now(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "mariadb")
    here.run("CREATE TABLE t (id int PRIMARY KEY, s timestamptz)", "INSERT INTO t VALUES (1, NULL)")
    there.run("CREATE TABLE t (id int PRIMARY KEY, s timestamp NOT NULL)")
    with pytest.raises(StepFailed, match=r"Column 's' is NULL.*\(id = 1\)"):
        desk.copy("t")
    assert there.rows("SELECT * FROM t") == []


def test_all_that_belongs_to_a_table_stands_after_a_rename(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    _, there = pair
    there.run(
        "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY COMMENT 'the key', n varchar(20),"
        " CONSTRAINT short CHECK (length(n) < 9), KEY by_n (n(3))) ENGINE = InnoDB"
        " ROW_FORMAT = COMPRESSED COMMENT = 'a; (b)' CHARACTER SET latin1"
        " PARTITION BY HASH (id) PARTITIONS 3",
        "INSERT INTO t VALUES (900, 'old')",
        "CREATE VIEW seen AS SELECT count(*) AS n FROM t",
    )
    before = there.rows("SHOW CREATE TABLE t")
    assert desk.copy("t")["way"] == "rename"
    assert there.rows("SHOW CREATE TABLE t") == before
    assert there.rows("SELECT n FROM seen") == [(3,)]
    there.run("INSERT INTO t (n) VALUES ('new')")
    assert there.rows("SELECT max(id) FROM t") == [(901,)]
    assert there.tables() == ["t"]


def test_indexes_are_built_again_as_they_were(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    there.run(
        "CREATE TABLE t (n varchar(20), id int AUTO_INCREMENT, PRIMARY KEY (n), KEY counting (id))"
        " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        'CREATE TABLE u (id int PRIMARY KEY, n varchar(20), KEY "odd `name`, (x)" (n DESC)'
        " COMMENT 'a, b', UNIQUE KEY once (id, n), KEY both_of (n, id), FULLTEXT KEY words (n))",
    )
    before = there.rows("SHOW CREATE TABLE u")
    assert desk.copy("t", "u")["way"] == "rename"
    assert there.rows("SHOW CREATE TABLE u") == before
    assert desk.copy("t", where="n IS NOT NULL")["way"] == "rename"
    assert 'KEY "counting" ("id")' in str(there.rows("SHOW CREATE TABLE t"))


def test_a_zero_stays_one_in_a_column_that_counts(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    there.run("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, n text)")
    here.run("INSERT INTO t VALUES (0, 'zero')")
    for mode in ("overwrite", "upsert"):
        desk.copy("t", mode=mode)
        assert there.rows("SELECT n FROM t WHERE id = 0") == [("zero",)]


HANGERS = {
    "trigger": [
        "CREATE TABLE t (id int PRIMARY KEY, n text)",
        "CREATE TRIGGER hanger BEFORE INSERT ON t FOR EACH ROW SET @seen = 1",
    ],
    "refers to it": [
        "CREATE TABLE t (id int PRIMARY KEY, n text)",
        "INSERT INTO t VALUES (1, 'old')",
        "CREATE TABLE child (id int REFERENCES t (id))",
        "INSERT INTO child VALUES (1)",
    ],
    "its foreign key": [
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "INSERT INTO parent VALUES (1), (2), (3)",
        "CREATE TABLE t (id int PRIMARY KEY REFERENCES parent (id), n text)",
    ],
    "history of its rows": ["CREATE TABLE t (id int PRIMARY KEY, n text) WITH SYSTEM VERSIONING"],
}


@pytest.mark.parametrize("why", HANGERS)
def test_a_table_that_must_stay_is_merged(pair: tuple[Place, Place], desk: Desk, why: str) -> None:
    _, there = pair
    there.run(*HANGERS[why], "REPLACE INTO t VALUES (3, 'other')")
    before = there.rows("SHOW CREATE TABLE t")
    output = desk.copy("t")
    assert (output["way"], why in output["way_reason"]) == ("merge", True)
    assert there.rows("SELECT id, n FROM t ORDER BY id") == [(1, "a"), (2, "b"), (3, None)]
    assert there.rows("SHOW CREATE TABLE t") == before
    assert desk.copy("t")["unchanged"] == 3


def test_rows_that_others_refer_to_do_not_go_and_come_back(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "mariadb")
    here.run("CREATE TABLE t (n TEXT)", "INSERT INTO t VALUES ('a')")
    there.run(
        "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, n text)",
        "INSERT INTO t VALUES (1, 'old')",
        "CREATE TABLE child (id int REFERENCES t (id) ON DELETE CASCADE)",
        "INSERT INTO child VALUES (1)",
    )
    with pytest.raises(StepRefused, match=r"'.*t' cannot be overwritten at once: .*'child' refers"):
        desk.copy("t")
    assert there.rows("SELECT * FROM child") == [(1,)]


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_table_without_transactions_is_overwritten_alone(
    pair: tuple[Place, Place], desk: Desk, mode: str
) -> None:
    _, there = pair
    there.run("CREATE TABLE t (id int PRIMARY KEY, n text) ENGINE = MyISAM")
    with pytest.raises(StepRefused, match="engine MyISAM, which has no transactions"):
        desk.copy("t", mode=mode)
    assert desk.copy("t")["way"] == "rename"
    assert there.rows("SELECT count(*) FROM t") == [(3,)]


def test_an_upsert_never_takes_the_row_of_another_key(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    _, there = pair
    there.run(
        "CREATE TABLE t (id int PRIMARY KEY, n varchar(9) UNIQUE)",
        "INSERT INTO t VALUES (1, 'a'), (9, 'b')",
    )
    with pytest.raises(StepFailed, match=r"Duplicate entry 'b' for key 'n'.*is unchanged"):
        desk.copy("t", mode="upsert")
    assert there.rows("SELECT * FROM t ORDER BY id") == [(1, "a"), (9, "b")]


def test_an_upsert_sees_what_a_collation_overlooks(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    there.run(
        "CREATE TABLE t (id int PRIMARY KEY, n text) CHARACTER SET utf8mb4"
        " COLLATE utf8mb4_general_ci",
        "INSERT INTO t VALUES (1, 'A'), (2, 'b '), (3, NULL)",
    )
    output = desk.copy("t", mode="upsert")
    assert (output["inserted"], output["updated"], output["unchanged"]) == (0, 2, 1)
    assert there.rows("SELECT n FROM t ORDER BY id") == [("a",), ("b",), (None,)]


def test_keys_of_any_text_stay_different_in_a_new_table(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "mariadb")
    here.run("CREATE TABLE t (code TEXT PRIMARY KEY)")
    keys = ["a", "A", "ä", "a ", "x" * 700]
    here.insert("t", [(key,) for key in keys])
    desk.copy("t")
    assert {key for (key,) in there.rows("SELECT code FROM t")} == set(keys)


def test_two_rows_of_one_key_are_named(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "mariadb")
    here.run("CREATE TABLE t (id INTEGER, n TEXT)", "INSERT INTO t VALUES (5, 'a'), (5, 'b')")
    there.run("CREATE TABLE t (id int PRIMARY KEY, n text)")
    for mode in ("overwrite", "append", "upsert"):
        with pytest.raises(StepFailed, match="more than one row with id = 5"):
            desk.copy("t", mode=mode)
    assert there.rows("SELECT * FROM t") == []
    assert there.tables() == ["t"]


def test_a_table_of_one_server_is_copied_within_it(places: Places, desk: Desk) -> None:
    here, there = places("mariadb", "mariadb")
    here.run("CREATE TABLE t (id int PRIMARY KEY, n text)", "INSERT INTO t VALUES (1, '%s')")
    assert desk.copy("t")["lane"] == "within"
    assert there.rows("SELECT * FROM t") == [(1, "%s")]


def test_a_receipt_without_its_table_does_not_count(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    desk.copy("t", mode="append")
    there.run("DROP TABLE t")
    desk.copy("t", mode="append")
    assert there.rows("SELECT count(*) FROM t") == [(3,)]
