"""Whatever happens, the target is the old table or the new one, and nothing is left behind."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pymysql
import pytest
from pymysql.constants import ER
from tests.integration.copying.conftest import Desk, Place
from tests.integration.copying.doomed import killed_copy
from tests.waiting import eventually

from nomaflow.errors import StepCanceled, Unreachable

Places = Callable[[str, str], tuple[Place, Place]]
SIDES = ["sqlite", "postgresql"]
TARGETS = [*SIDES, "mariadb", "duckdb"]
ROWS = 20_000


@pytest.fixture(params=TARGETS)
def pair(request: pytest.FixtureRequest, places: Places) -> tuple[Place, Place]:
    """A target that holds version 0 of a table, whose source is at version 1."""
    here, there = places("sqlite", request.param)
    for version, place in ((1, here), (0, there)):
        place.run("CREATE TABLE t (id INTEGER PRIMARY KEY, version INTEGER)")
        place.insert("t", [(n, version) for n in range(ROWS)])
    return here, there


def versions(place: Place) -> list[tuple[int, int]]:
    return place.rows("SELECT version, count(*) FROM t GROUP BY version")  # type: ignore[return-value]


def end_sessions(place: Place) -> None:
    """End every other session of the database."""
    if place.kind == "postgresql":
        place.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return
    others = (
        "SELECT id FROM information_schema.processlist"
        " WHERE db = database() AND id <> connection_id()"
    )
    for (session,) in place.rows(others):
        try:
            place.run(f"KILL {session}")
        except pymysql.OperationalError as error:
            if error.args[0] != ER.NO_SUCH_THREAD:  # it ended by itself
                raise


def test_a_killed_load_leaves_the_old_table_and_the_next_copy_tidies_up(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    _, there = pair
    assert killed_copy(desk.urls, "t", at="▶ batch 7") == -signal.SIGKILL
    assert versions(there) == [(0, ROWS)]
    desk.copy("t")
    assert versions(there) == [(1, ROWS)]
    assert there.tables() == ["t"]


def test_a_killed_first_load_leaves_no_table(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    there.run("DROP TABLE t")
    assert killed_copy(desk.urls, "t", at="▶ batch 7") == -signal.SIGKILL
    assert "t" not in there.tables()
    desk.copy("t")
    assert versions(there) == [(1, ROWS)]
    assert there.tables() == ["t"]


@pytest.mark.parametrize("after_ms", [0, 4, 10, 30, 60, 120])
def test_a_killed_swap_leaves_the_old_table_or_the_new_one(
    pair: tuple[Place, Place], desk: Desk, after_ms: int
) -> None:
    _, there = pair
    killed_copy(desk.urls, "t", at="swapping", after_seconds=after_ms / 1000)
    assert versions(there) in ([(0, ROWS)], [(1, ROWS)])
    desk.copy("t")
    assert versions(there) == [(1, ROWS)]
    assert there.tables() == ["t"]


def test_a_cancel_leaves_the_old_table(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    desk.port.when_told = lambda line: desk.port.cancellation.ask() if "batch 3" in line else None
    with pytest.raises(StepCanceled):
        desk.copy("t", batch_size=1000, lane="rows")
    assert versions(there) == [(0, ROWS)]
    assert there.tables() == ["t"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_cancel_reaches_a_source_that_gives_no_row(
    places: Places, desk: Desk, target: str
) -> None:
    here, there = places("postgresql", target)
    query = "SELECT id, pg_sleep(30)::text AS n FROM generate_series(1, 2) AS id"
    threading.Timer(0.3, desk.port.cancellation.ask).start()
    began = time.monotonic()
    with pytest.raises(StepCanceled):
        desk.copy({"query": query}, "copied")
    assert time.monotonic() - began < 5
    active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%'"
    eventually(lambda: here.rows(active) == [(1,)])
    assert there.tables() == []


@contextmanager
def polling(place: Place, seen: list[list[tuple[int, int]]]) -> Iterator[None]:
    """While it is open, two readers look at the table again and again; an error is raised.

    One of them looks through a view, where there is one.
    """
    over = threading.Event()
    errors: list[BaseException] = []

    def look(query: str) -> None:
        try:
            with closing(place.open()) as connection, closing(connection.cursor()) as cursor:
                while not over.is_set():
                    cursor.execute(query)
                    seen.append(list(cursor.fetchall()))
                    connection.rollback()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    plain = "SELECT version, count(*) FROM t GROUP BY version"
    queries = (plain, plain if place.is_sqlite else "SELECT * FROM looked_at")
    readers = [threading.Thread(target=look, args=(query,)) for query in queries]
    for reader in readers:
        reader.start()
    yield
    over.set()
    for reader in readers:
        reader.join()
    assert errors == []


@pytest.mark.parametrize(
    ("pair", "journal"),
    [("sqlite", "DELETE"), ("sqlite", "WAL"), ("postgresql", None), ("mariadb", None)],
    indirect=["pair"],
)
def test_readers_of_60_overwrites_see_whole_tables_alone(
    pair: tuple[Place, Place], desk: Desk, journal: str | None
) -> None:
    here, there = pair
    if journal:
        there.run(f"PRAGMA journal_mode = {journal}")
    if not there.is_sqlite:
        there.run("CREATE VIEW looked_at AS SELECT version, count(*) AS n FROM t GROUP BY version")
    here.run("DELETE FROM t WHERE id >= 2000")
    seen: list[list[tuple[int, int]]] = []
    with polling(there, seen):
        for version in range(1, 61):
            here.run(f"UPDATE t SET version = {version}")
            desk.copy("t")
    assert versions(there) == [(60, 2000)]
    assert all(len(look) == 1 for look in seen)
    assert {count for look in seen for _, count in look} <= {2000, ROWS}
    assert len({version for look in seen for version, _ in look}) > 10


def test_two_copies_into_one_target_never_mix(
    pair: tuple[Place, Place], desk: Desk, sqlite: Callable[[str], Place]
) -> None:
    _, there = pair
    other = sqlite("other")
    other.run("CREATE TABLE t (id INTEGER PRIMARY KEY, version INTEGER)")
    other.insert("t", [(n, 2) for n in range(5000)])
    second = Desk()
    second.urls = {"source": other.url, "target": desk.urls["target"]}
    for _ in range(3):
        both = [threading.Thread(target=each.copy, args=("t",)) for each in (desk, second)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        assert versions(there) in ([(1, ROWS)], [(2, 5000)])
    second.close()


@contextmanager
def held(place: Place) -> Iterator[None]:
    """While it is open, someone else has changed the table and not yet committed."""
    with closing(place.open()) as writer:
        in_it = writer.begin() if place.kind == "duckdb" else writer.cursor()
        in_it.execute("DELETE FROM t WHERE id = 1")
        yield
        writer.rollback()


def test_a_held_table_is_waited_for(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    waiting = threading.Event()
    desk.port.when_told = lambda line: waiting.set() if "waiting" in line else None
    copying = threading.Thread(target=desk.copy, args=("t",))
    with held(there):
        copying.start()
        assert waiting.wait(10)
        assert versions(there) == [(0, ROWS)]
    copying.join()
    assert versions(there) == [(1, ROWS)]


def test_waiting_for_a_held_table_can_be_cancelled(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    desk.port.when_told = lambda line: desk.port.cancellation.ask() if "waiting" in line else None
    with held(there), pytest.raises(StepCanceled):
        desk.copy("t")
    assert versions(there) == [(0, ROWS)]


@pytest.mark.parametrize("source", [*SIDES, "duckdb"])
def test_a_source_that_changes_is_copied_as_it_was(places: Places, desk: Desk, source: str) -> None:
    here, there = places(source, "sqlite")
    if here.is_sqlite:
        here.run("PRAGMA journal_mode = WAL")
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, version INTEGER)")
    here.insert("t", [(n, 0) for n in range(5000)])
    changed = threading.Event()

    def change(line: str) -> None:
        if "▶" in line and not changed.is_set():
            changed.set()
            here.run("UPDATE t SET version = 1", "INSERT INTO t VALUES (9999, 1)")

    desk.port.when_told = change
    desk.copy("t", batch_size=100, lane="rows")  # others read all before the first line is told
    assert changed.is_set()
    assert versions(there) == [(0, 5000)]


SERIES = {"postgresql": "generate_series(1, 150000) AS seq", "mariadb": "seq_1_to_150000"}


@pytest.mark.parametrize("lane", ["auto", "rows"])
@pytest.mark.parametrize(
    ("source", "target"),
    [(a, b) for a in SERIES for b in ("postgresql", "mariadb", "sqlite") if {a, b} != {"mariadb"}],
)
def test_a_source_that_dies_leaves_the_old_table(
    places: Places, desk: Desk, source: str, target: str, lane: str
) -> None:
    here, there = places(source, target)
    for place in (here, there):
        place.run("CREATE TABLE t (id INTEGER PRIMARY KEY, version INTEGER, filler TEXT)")
    here.run(f"INSERT INTO t SELECT seq, 1, repeat('x', 300) FROM {SERIES[source]}")
    there.insert("t", [(n, 0, "old") for n in range(10)])
    desk.port.when_told = lambda line: end_sessions(here) if line.startswith("▶") else None
    with pytest.raises(Unreachable, match="'source'"):
        desk.copy("t", batch_size=1000, lane=lane)
    assert versions(there) == [(0, 10)]
    desk.port.when_told = lambda _: None
    here.run("DELETE FROM t WHERE id > 100")
    desk.copy("t", lane=lane)
    assert versions(there) == [(1, 100)]
    assert there.tables() == ["t"]


@pytest.mark.parametrize(
    ("lane", "moment"), [("rows", "▶ batch 2 "), ("auto", "▶ batch "), ("auto", "swapping")]
)
@pytest.mark.parametrize("target", ["postgresql", "mariadb"])
def test_a_target_that_dies_keeps_the_old_table(
    places: Places, desk: Desk, target: str, lane: str, moment: str
) -> None:
    here, there = places("sqlite", target)
    for version, place in ((1, here), (0, there)):
        place.run("CREATE TABLE t (id INTEGER PRIMARY KEY, version INTEGER)")
        place.insert("t", [(n, version) for n in range(5000)])
    desk.port.when_told = lambda line: end_sessions(there) if moment in line else None
    with pytest.raises(Unreachable, match="'target'"):
        desk.copy("t", batch_size=1000, lane=lane)
    assert versions(there) == [(0, 5000)]
    desk.port.when_told = lambda _: None
    desk.copy("t")
    assert versions(there) == [(1, 5000)]
    assert there.tables() == ["t"]
