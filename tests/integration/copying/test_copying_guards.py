from collections.abc import Callable
from contextlib import closing

import pytest
from tests.integration.copying import torture
from tests.integration.copying.conftest import Desk, Place

from nomaflow.errors import StepFailed, StepRefused

Places = Callable[[str, str], tuple[Place, Place]]
KINDS = ("sqlite", "postgresql", "mariadb")
DIRECTIONS = [(a, b) for a in KINDS for b in KINDS]
DIRECTIONS += [("duckdb", "postgresql"), ("sqlite", "duckdb")]

both_ways = pytest.mark.parametrize(("source", "target"), DIRECTIONS)


@pytest.fixture(params=KINDS)
def pair(request: pytest.FixtureRequest, places: Places, desk: Desk) -> tuple[Place, Place]:
    here, there = places("sqlite", request.param)
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)")
    here.insert("t", [(n, str(n)) for n in range(100)])
    desk.copy("t")
    return here, there


def test_a_source_that_shrank_too_much_holds_the_swap(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    here, there = pair
    here.run("DELETE FROM t WHERE id >= 79")
    with pytest.raises(StepFailed) as caught:
        desk.copy("t", max_shrink_percent=20)
    assert "The source gave 79 rows" in str(caught.value)
    assert "has 100: 21.0 % fewer, and max_shrink_percent is 20" in str(caught.value)
    assert "--step-param 'copy:let_through=true'" in str(caught.value)
    assert there.rows("SELECT count(*) FROM t") == [(100,)]
    desk.copy("t", max_shrink_percent=20, params={"let_through": True})
    assert there.rows("SELECT count(*) FROM t") == [(79,)]
    desk.copy("t", max_shrink_percent=0)


def test_a_shrink_within_the_limit_passes(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    here.run("DELETE FROM t WHERE id >= 80")
    desk.copy("t", max_shrink_percent=20)
    assert there.rows("SELECT count(*) FROM t") == [(80,)]


def test_too_few_rows_hold_the_swap_also_the_first(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    here.run("DELETE FROM t")
    for target in ("t", "first"):
        with pytest.raises(StepFailed, match=r"gave 0 rows.*min_rows is 1"):
            desk.copy("t", target, min_rows=1)
    assert there.rows("SELECT count(*) FROM t") == [(100,)]


@both_ways
def test_the_checksum_of_both_sides_is_the_same(
    places: Places, desk: Desk, source: str, target: str
) -> None:
    here, there = places(source, target)
    definition, stored = torture.FORMS[here.kind]
    here.run(definition)
    here.insert('"Order Items ""x"""', [stored(row) for row in torture.rows(source, target)])
    sums = {
        desk.copy(torture.TABLE, mode=mode, verify="checksum")["checksum"]
        for mode in ("overwrite", "overwrite", "upsert")
    }
    assert len(sums) == 1
    here.run('UPDATE "Order Items ""x""" SET note = \'other\' WHERE "Id" = 5')
    assert desk.copy(torture.TABLE, verify="checksum")["checksum"] not in sums
    assert there.rows('SELECT note FROM "Order Items ""x""" WHERE "Id" = 5') == [("other",)]


@both_ways
def test_the_checksum_sees_what_columns_become(
    places: Places, desk: Desk, source: str, target: str
) -> None:
    here, _ = places(source, target)
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, amount INTEGER, day INTEGER, pad CHAR(5))")
    here.insert("t", [(1, 1234, 126326, "a    "), (2, -5, 0, "     "), (3, None, None, None)])
    columns = {
        "amount": {"scale": 2},
        "day": {"julian": True},
        "pad": {"type": "char(9)"},
        "by": {"constant": "us"},
    }
    output = desk.copy("t", verify="checksum", columns=columns)
    assert desk.copy("t", verify="checksum", columns=columns)["checksum"] == output["checksum"]


def test_the_checksum_does_not_depend_on_the_order_of_rows(places: Places, desk: Desk) -> None:
    for kind in ("sqlite", "postgresql"):
        here, _ = places(kind, "sqlite")
        here.run("CREATE TABLE a (n TEXT)", "CREATE TABLE b (n TEXT)")
        here.insert("a", [(str(n),) for n in range(50)])
        here.insert("b", [(str(n),) for n in reversed(range(50))])
        sums = [desk.copy(table, verify="checksum")["checksum"] for table in ("a", "b")]
        assert sums[0] == sums[1]


def test_a_stash_that_differs_is_refused(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "postgresql")
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)")
    here.insert("t", [(1, "a"), (2, "b")])
    desk.copy("t")

    def meddle(line: str) -> None:
        if "once more for the checksum" in line:
            ((stash,),) = there.rows(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 't'"
            )
            with closing(there.open()) as connection:
                connection.execute(f"UPDATE \"{stash}\" SET n = 'x' WHERE id = 2")
                connection.commit()

    desk.port.when_told = meddle
    with pytest.raises(StepFailed, match="The checksum of what arrived is"):
        desk.copy("t", verify="checksum")
    assert there.rows("SELECT n FROM t ORDER BY id") == [("a",), ("b",)]


@both_ways
def test_new_columns_of_the_source_are_refused_added_or_ignored(
    places: Places, desk: Desk, source: str, target: str
) -> None:
    here, there = places(source, target)
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)")
    here.insert("t", [(1, "a")])
    desk.copy("t")
    there.run("CREATE VIEW seen AS SELECT * FROM t")
    here.run("ALTER TABLE t ADD COLUMN amount NUMERIC(10,2)", "UPDATE t SET amount = 1.5")
    with pytest.raises(StepRefused, match=r"does not have column 'amount'.*on_drift"):
        desk.copy("t")
    ignored = desk.copy("t", on_drift="ignore")
    assert (ignored["ignored_columns"], ignored["target_rows"]) == (["amount"], 1)
    added = desk.copy("t", on_drift="add")
    assert added["added_columns"] == ["amount"]
    assert [(float(n),) for (n,) in there.rows("SELECT amount FROM t")] == [(1.5,)]
    assert desk.copy("t", on_drift="add")["added_columns"] == []


@both_ways
@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_columns_are_added_in_every_mode(
    places: Places, desk: Desk, source: str, target: str, mode: str
) -> None:
    here, there = places(source, target)
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)")
    here.insert("t", [(1, "a")])
    desk.copy("t", mode=mode, run_id=1)
    here.run("ALTER TABLE t ADD COLUMN more TEXT", "DELETE FROM t")
    here.insert("t", [(2, "b", "new")])
    desk.copy("t", mode=mode, on_drift="add", run_id=2)
    assert there.rows("SELECT * FROM t ORDER BY id") == [(1, "a", None), (2, "b", "new")]


def test_an_ignored_column_may_not_be_what_the_target_needs(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "postgresql")
    here.run("CREATE TABLE t (id INTEGER, n TEXT, code TEXT)")
    there.run("CREATE TABLE t (id INTEGER, n TEXT, kind TEXT NOT NULL)")
    with pytest.raises(StepRefused, match="needs column 'kind'"):
        desk.copy("t", on_drift="ignore")
