"""While a table waits to be replaced, nobody else waits for long."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from tests.integration.copying.conftest import Desk, Place
from tests.waiting import eventually

Places = Callable[[str, str], tuple[Place, Place]]
LOCK_TIMEOUT_SECONDS = 0.1


@pytest.fixture(params=["postgresql", "mariadb"])
def pair(request: pytest.FixtureRequest, places: Places) -> tuple[Place, Place]:
    """A table, in PostgreSQL with a parent, and its new rows."""
    here, there = places("sqlite", request.param)
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, version INTEGER)")
    here.insert("t", [(n, 1) for n in range(100)])
    parent = "REFERENCES versions" if request.param == "postgresql" else ""
    there.run(
        "CREATE TABLE versions (version bigint PRIMARY KEY)",
        "INSERT INTO versions VALUES (0), (1)",
        f"CREATE TABLE t (id bigint PRIMARY KEY, version bigint {parent})",
        "INSERT INTO t VALUES (1, 0)",
    )
    return here, there


@contextmanager
def idle(place: Place, *statements: str) -> Iterator[Callable[[str], list[tuple[object, ...]]]]:
    """A transaction that has done this, and does nothing until it is asked to."""
    with closing(place.open()) as connection, closing(connection.cursor()) as cursor:

        def ask(query: str) -> list[tuple[object, ...]]:
            cursor.execute(query)
            return list(cursor.fetchall())

        for statement in statements:
            cursor.execute(statement)
        yield ask
        connection.rollback()


def test_behind_an_idle_reader_others_wait_no_longer_than_one_try(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    _, there = pair
    over, waits = threading.Event(), []

    def look() -> None:
        with closing(there.open()) as connection, closing(connection.cursor()) as cursor:
            while not over.is_set():
                began = time.monotonic()
                cursor.execute("SELECT count(*) FROM t")
                connection.rollback()
                waits.append(time.monotonic() - began)

    def stalled() -> bool:
        return sum(wait > LOCK_TIMEOUT_SECONDS / 2 for wait in waits) >= 3

    reader = threading.Thread(target=look)
    copying = threading.Thread(target=desk.copy, args=("t",))
    began = time.monotonic()
    with idle(there, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "SELECT count(*) FROM t"):
        reader.start()
        copying.start()
        eventually(stalled)
    held = time.monotonic() - began
    copying.join()
    over.set()
    reader.join()
    assert there.rows("SELECT DISTINCT version FROM t") == [(1,)]
    assert max(waits) < held / 3


@pytest.mark.parametrize(
    ("pair", "table"),
    [("postgresql", "t"), ("postgresql", "versions"), ("mariadb", "t")],
    indirect=["pair"],
)
def test_a_reader_that_never_ends_is_worked_around(
    pair: tuple[Place, Place], desk: Desk, table: str
) -> None:
    _, there = pair
    with idle(there, f"SELECT count(*) FROM {table}"):
        output = desk.copy("t")
    assert output["way"] == "merge"
    assert any("rename is not possible: others held the table" in x for x in desk.port.lines)
    assert there.rows("SELECT DISTINCT version FROM t") == [(1,)]


def test_a_transaction_of_one_snapshot_never_sees_an_empty_table(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    _, there = pair
    there.run("CREATE TABLE elsewhere (n int)")
    snapshot = (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "SELECT count(*) FROM elsewhere",
    )
    with idle(there, *snapshot) as ask:
        assert desk.copy("t")["way"] == "merge"
        assert ask("SELECT version FROM t") == [(0,)]
    with idle(there, *snapshot) as ask:
        assert ask("SELECT count(*), max(version) FROM t") == [(100, 1)]
