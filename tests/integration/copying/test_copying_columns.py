from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.integration.copying.conftest import Desk, Place

from nomaflow.errors import StepFailed, StepRefused

Places = Callable[[str, str], tuple[Place, Place]]
DIRECTIONS = [(a, b) for a in ("sqlite", "postgresql") for b in ("sqlite", "postgresql")]
DIRECTIONS += [("duckdb", "postgresql"), ("sqlite", "duckdb"), ("mariadb", "postgresql")]
DIRECTIONS += [("sqlite", "mariadb"), ("postgresql", "mariadb"), ("mariadb", "mariadb")]

both_ways = pytest.mark.parametrize(("source", "target"), DIRECTIONS)


@pytest.fixture
def orders(places: Places, request: pytest.FixtureRequest) -> tuple[Place, Place]:
    here, there = places(*request.param)
    here.run(
        'CREATE TABLE orders ("ID" INTEGER PRIMARY KEY, customer VARCHAR(20) NOT NULL,'
        " amount INTEGER, made INTEGER, secret TEXT, UNIQUE (customer))"
    )
    here.insert(
        "orders",
        [(1, " ada  ", 1234567, 126326, "x"), (2, "bob", None, 0, "y"), (3, "", -5, None, None)],
    )
    return here, there


every_pair = pytest.mark.parametrize("orders", DIRECTIONS, indirect=True)


def decimals(rows: list[tuple[Any, ...]]) -> list[Decimal | None]:
    return [None if value is None else Decimal(str(value)) for (value,) in rows]


@every_pair
@pytest.mark.parametrize("origin", ["orders", {"query": "SELECT * FROM orders"}])
def test_columns_are_renamed_dropped_scaled_and_dated(
    orders: tuple[Place, Place], desk: Desk, origin: Any
) -> None:
    _, there = orders
    columns = {
        "ID": {"rename": "order_id"},
        "secret": {"drop": True},
        "amount": {"scale": 2, "rename": "net"},
        "made": {"julian": True},
    }
    for _ in range(2):
        output = desk.copy(origin, "copied", columns=columns, strip_both_columns=["customer"])
    assert there.rows("SELECT order_id, customer FROM copied ORDER BY order_id") == [
        (1, "ada"), (2, "bob"), (3, ""),
    ]  # fmt: skip
    nets = decimals(there.rows("SELECT net FROM copied ORDER BY order_id"))
    assert nets == [Decimal("12345.67"), None, Decimal("-0.05")]
    made = [str(day) for (day,) in there.rows("SELECT made FROM copied ORDER BY order_id")]
    assert made == ["2026-11-22", "None", "None"]
    assert output["coercions"] == {
        "stripped": ["customer"], "2 decimals": ["net"], "Julian date": ["made"],
    }  # fmt: skip


@every_pair
def test_a_renamed_key_is_still_the_key(orders: tuple[Place, Place], desk: Desk) -> None:
    here, there = orders
    columns = {"ID": {"rename": "order_id"}, "secret": {"rename": "note"}}
    desk.copy("orders", "copied", columns=columns, mode="upsert")
    here.run("UPDATE orders SET secret = 'z' WHERE \"ID\" = 2")
    again = desk.copy("orders", "copied", columns=columns, mode="upsert")
    assert (again["inserted"], again["updated"]) == (0, 1)
    assert there.rows("SELECT note FROM copied WHERE order_id = 2") == [("z",)]


@every_pair
def test_a_key_without_one_of_its_columns_is_none(orders: tuple[Place, Place], desk: Desk) -> None:
    here, there = orders
    here.run("CREATE TABLE pairs (a INTEGER, b INTEGER, n INTEGER UNIQUE, PRIMARY KEY (a, b))")
    here.insert("pairs", [(1, 1, 1), (1, 2, 2)])
    desk.copy("pairs", columns={"b": {"drop": True}})
    assert there.rows("SELECT a, n FROM pairs ORDER BY n") == [(1, 1), (1, 2)]
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        there.run("INSERT INTO pairs VALUES (3, 1)")


@every_pair
def test_constants_are_new_columns_or_replace_the_sources(
    orders: tuple[Place, Place], desk: Desk
) -> None:
    _, there = orders
    columns = {
        "secret": {"constant": "it's \\ hidden"},
        "batch": {"constant": 7},
        "share": {"constant": 0.5},
        "live": {"constant": True},
        "day": {"constant": date(2026, 11, 22)},
        "at": {"constant": datetime(2026, 11, 22, 20, 30, tzinfo=UTC)},
    }
    for _ in range(2):
        desk.copy("orders", columns=columns)
    (row,) = there.rows('SELECT DISTINCT secret, batch, share, live, day, "at" FROM orders')
    assert row[:3] == ("it's \\ hidden", 7, 0.5)
    assert bool(row[3])
    assert str(row[4]) == "2026-11-22"
    assert datetime.fromisoformat(str(row[5])).astimezone(UTC) == columns["at"]["constant"]


@both_ways
def test_the_type_is_told_in_the_targets_words(
    places: Places, desk: Desk, source: str, target: str
) -> None:
    here, there = places(source, target)
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)")
    here.insert("t", [(1, "12.50"), (2, "7")])
    for _ in range(2):
        desk.copy("t", columns={"n": {"type": "numeric(6,2)"}})
    assert decimals(there.rows("SELECT n FROM t ORDER BY id")) == [Decimal("12.50"), Decimal(7)]
    with pytest.raises(StepRefused, match=r"'n': the step's `columns` says \w+\(9,2\)"):
        desk.copy("t", columns={"n": {"type": "numeric(9,2)"}})
    here.run("INSERT INTO t VALUES (3, 'many')")
    with pytest.raises(StepFailed, match=r"Column 'n' is no decimal number .*id = 3"):
        desk.copy("t", columns={"n": {"type": "numeric(6,2)"}})


def test_a_type_that_postgresql_does_not_have_is_named(places: Places, desk: Desk) -> None:
    here, _ = places("sqlite", "postgresql")
    here.run("CREATE TABLE t (id INTEGER)")
    for words in ("numbre(3)", "int); DROP TABLE t; --", "numeric("):
        with pytest.raises(StepRefused, match="type"):
            desk.copy("t", columns={"id": {"type": words}})


@every_pair
def test_unknown_columns_are_named_with_those_that_exist(
    orders: tuple[Place, Place], desk: Desk
) -> None:
    with pytest.raises(StepRefused) as caught:
        desk.copy("orders", columns={"amuont": {"scale": 2}}, strip_both_columns=["custmer"])
    assert str(caught.value) == (
        "The source has no such column: columns.amuont, strip_both_columns: custmer. "
        "It has: ID, customer, amount, made, secret."
    )


@every_pair
def test_two_columns_of_one_name_are_refused(orders: tuple[Place, Place], desk: Desk) -> None:
    with pytest.raises(StepRefused, match="would have the name 'customer'"):
        desk.copy("orders", columns={"secret": {"rename": "customer"}})


@every_pair
def test_scale_and_julian_are_for_numbers(orders: tuple[Place, Place], desk: Desk) -> None:
    here, _ = orders
    here.run("CREATE TABLE days (id INTEGER, born DATE)")
    for wish in ({"scale": 2}, {"julian": True}):
        with pytest.raises(StepRefused, match=r"columns\.born: scale and julian are for numbers"):
            desk.copy("days", columns={"born": wish})


@every_pair
def test_a_bad_julian_date_is_named_with_its_key(orders: tuple[Place, Place], desk: Desk) -> None:
    here, there = orders
    here.run('UPDATE orders SET made = 124367 WHERE "ID" = 3')
    with pytest.raises(StepFailed) as caught:
        desk.copy("orders", columns={"made": {"julian": True, "rename": "day"}})
    assert "Column 'day' holds 124367, which is no Julian date CYYDDD" in str(caught.value)
    assert "ID = 3" in str(caught.value)
    assert there.tables() == []


@every_pair
def test_where_speaks_of_the_stored_columns(orders: tuple[Place, Place], desk: Desk) -> None:
    _, there = orders
    desk.copy(
        "orders",
        where="amount > :least",
        params={"least": 100},
        columns={"amount": {"scale": 2}},
    )
    assert decimals(there.rows("SELECT amount FROM orders")) == [Decimal("12345.67")]
