"""What depends on a target stands, and works, after an overwrite."""

from collections.abc import Callable

import pytest
from tests.integration.copying.conftest import Desk, Place

from nomaflow.errors import StepFailed, StepRefused

Places = Callable[[str, str], tuple[Place, Place]]


@pytest.fixture
def postgresql(places: Places) -> tuple[Place, Place]:
    here, there = places("sqlite", "postgresql")
    here.run("CREATE TABLE orders (id INTEGER PRIMARY KEY, region TEXT, amount DECIMAL(10,2))")
    here.insert("orders", [(n, "EU", n) for n in range(1, 4)])
    there.run(
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader",
        "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " region text DEFAULT 'EU', amount numeric(12,2) CHECK (amount >= 0), legacy text)",
        "INSERT INTO orders (region, amount, legacy) VALUES ('old', 1, 'x'), ('old', 99, 'x')",
        "CREATE INDEX by_region ON orders (region)",
        "COMMENT ON TABLE orders IS 'kept'",
        "GRANT SELECT ON orders TO reader",
        "CREATE VIEW eu AS SELECT * FROM orders WHERE region = 'EU'",
        "CREATE VIEW eu_total AS SELECT sum(amount) AS total FROM eu",
        "CREATE MATERIALIZED VIEW stale AS SELECT count(*) AS rows FROM orders",
        "CREATE FUNCTION total() RETURNS numeric BEGIN ATOMIC SELECT sum(amount) FROM orders; END",
        "CREATE TABLE audit (id bigint)",
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO audit VALUES (NEW.id); RETURN NEW; END $$",
        "CREATE TRIGGER noted AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION note()",
    )
    return here, there


def test_everything_around_a_postgresql_table_stands(
    postgresql: tuple[Place, Place], desk: Desk
) -> None:
    _, there = postgresql
    for _ in range(2):
        desk.copy("orders")
        assert there.rows("SELECT id, region, amount::int, legacy FROM orders ORDER BY id") == [
            (n, "EU", n, None) for n in range(1, 4)
        ]
    assert there.rows("SELECT total::int FROM eu_total") == [(6,)]
    assert there.rows("SELECT total()::int") == [(6,)]
    there.run("REFRESH MATERIALIZED VIEW stale")
    assert there.rows("SELECT * FROM stale") == [(3,)]
    assert there.rows("SELECT obj_description('orders'::regclass)") == [("kept",)]
    assert there.rows("SELECT has_table_privilege('reader', 'orders', 'select')") == [(True,)]
    assert there.rows("SELECT indexname FROM pg_indexes WHERE tablename = 'orders' ORDER BY 1") == [
        ("by_region",), ("orders_pkey",)
    ]  # fmt: skip


def test_triggers_rest_while_a_table_is_replaced_and_fire_again(
    postgresql: tuple[Place, Place], desk: Desk
) -> None:
    _, there = postgresql
    there.run("TRUNCATE audit")
    desk.copy("orders")
    assert there.rows("SELECT * FROM audit") == []
    there.run("INSERT INTO orders (region, amount) VALUES ('US', 5)")
    assert there.rows("SELECT * FROM audit") == [(4,)]


def test_rows_that_foreign_keys_refer_to_keep_standing(
    postgresql: tuple[Place, Place], desk: Desk
) -> None:
    here, there = postgresql
    there.run(
        "CREATE TABLE lines (n int, order_id bigint REFERENCES orders ON DELETE CASCADE)",
        "INSERT INTO lines VALUES (1, 1), (2, 2)",
    )
    output = desk.copy("orders")
    assert (output["inserted"], output["updated"], output["deleted"]) == (1, 2, 0)
    assert there.rows("SELECT * FROM lines ORDER BY n") == [(1, 1), (2, 2)]
    here.run("DELETE FROM orders WHERE id = 2")
    assert desk.copy("orders")["deleted"] == 1
    assert there.rows("SELECT * FROM lines") == [(1, 1)]
    assert there.rows("SELECT id FROM orders ORDER BY id") == [(1,), (3,)]


def test_a_foreign_key_that_would_break_fails_the_copy(
    postgresql: tuple[Place, Place], desk: Desk
) -> None:
    here, there = postgresql
    there.run(
        "CREATE TABLE lines (n int, order_id bigint REFERENCES orders)",
        "INSERT INTO lines VALUES (1, 2)",
    )
    here.run("DELETE FROM orders WHERE id = 2")
    with pytest.raises(StepFailed, match=r"\(id\)=\(2\) is still referenced"):
        desk.copy("orders")
    assert there.rows("SELECT region FROM orders") == [("old",), ("old",)]


def test_a_check_of_the_target_fails_the_copy(postgresql: tuple[Place, Place], desk: Desk) -> None:
    here, there = postgresql
    here.run("UPDATE orders SET amount = -1 WHERE id = 3")
    with pytest.raises(StepFailed, match=r"check constraint .*\(3, EU, -1.00"):
        desk.copy("orders")
    assert there.rows("SELECT region FROM orders") == [("old",), ("old",)]
    assert there.rows("SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'noted'") == [("O",)]


def test_everything_around_a_sqlite_table_stands(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "sqlite")
    here.run("CREATE TABLE orders (id int PRIMARY KEY, region text, amount numeric(10,2))")
    here.insert("orders", [(n, "EU", n) for n in range(1, 4)])
    there.run(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, region TEXT DEFAULT 'EU' COLLATE NOCASE,"
        " amount DECIMAL(10,2), twice GENERATED ALWAYS AS (amount * 2))",
        "INSERT INTO orders VALUES (1, 'old', 1), (9, 'old', 1)",
        "CREATE INDEX by_region ON orders (region) WHERE amount > 0",
        "CREATE VIEW eu AS SELECT * FROM orders WHERE region = 'eu'",
        "CREATE TABLE audit (id)",
        "CREATE TRIGGER noted AFTER INSERT ON orders BEGIN INSERT INTO audit VALUES (NEW.id); END",
        "CREATE TABLE lines (n, order_id REFERENCES orders ON DELETE CASCADE)",
        "INSERT INTO lines VALUES (1, 1)",
    )
    before = there.rows("SELECT type, name, sql FROM sqlite_master ORDER BY name")
    desk.copy("orders")
    assert there.rows("SELECT type, name, sql FROM sqlite_master ORDER BY name") == before
    assert there.rows("SELECT id, amount, twice FROM eu ORDER BY id") == [
        (1, 1, 2), (2, 2, 4), (3, 3, 6)
    ]  # fmt: skip
    assert there.rows("SELECT * FROM lines") == [(1, 1)]
    there.run("INSERT INTO orders (id) VALUES (4)")
    assert there.rows("SELECT * FROM audit") == [(4,)]


def test_an_append_and_an_upsert_fire_triggers_as_any_insert(
    postgresql: tuple[Place, Place], desk: Desk
) -> None:
    _, there = postgresql
    there.run("TRUNCATE audit")
    desk.copy("orders", mode="upsert")
    assert there.rows("SELECT id FROM audit ORDER BY id") == [(3,)]


def test_a_partitioned_target_is_overwritten(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "postgresql")
    here.run("CREATE TABLE t (id int, n text)")
    here.insert("t", [(n, str(n)) for n in range(20)])
    there.run(
        "CREATE TABLE t (id int, n text) PARTITION BY RANGE (id)",
        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20)",
    )
    for _ in range(2):
        assert desk.copy("t")["inserted"] == 20
    assert there.rows("SELECT count(*) FROM t2") == [(10,)]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_column_that_the_target_computes_is_left_to_it(
    places: Places, desk: Desk, kind: str
) -> None:
    here, there = places(kind, kind)
    here.run("CREATE TABLE t (a int, twice int, b text)", "INSERT INTO t VALUES (2, 4, 'x')")
    there.run("CREATE TABLE t (b text, a int, twice int GENERATED ALWAYS AS (a * 2) STORED)")
    for mode in ("overwrite", "append"):
        desk.copy("t", mode=mode)
    assert there.rows("SELECT a, twice, b FROM t") == [(2, 4, "x"), (2, 4, "x")]
    with pytest.raises(StepRefused, match="computes column 'twice' itself"):
        desk.copy({"query": "SELECT * FROM t"}, "t")


def test_a_deferred_foreign_key_is_checked_within_the_swap(
    postgresql: tuple[Place, Place], desk: Desk
) -> None:
    _, there = postgresql
    there.run(
        "CREATE TABLE regions (name text PRIMARY KEY)",
        "INSERT INTO regions VALUES ('EU'), ('old')",
        "ALTER TABLE orders ADD FOREIGN KEY (region) REFERENCES regions"
        " DEFERRABLE INITIALLY DEFERRED",
    )
    assert desk.copy("orders")["inserted"] == 3
    there.run("DELETE FROM orders", "DELETE FROM regions")
    with pytest.raises(StepFailed, match=r"\(region\)=\(EU\) is not present"):
        desk.copy("orders")
    assert there.rows("SELECT count(*) FROM orders") == [(0,)]
