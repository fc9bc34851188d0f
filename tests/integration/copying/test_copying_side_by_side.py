"""What large tables are copied with: several sessions, estimates, the server's maintenance."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import urlsplit

import psycopg
import pytest
from tests.integration.copying.conftest import Desk, Place
from tests.servers.postgresql import PostgresqlServer
from tests.waiting import eventually

from nomaflow.errors import StepCanceled, StepFailed

Places = Callable[[str, str], tuple[Place, Place]]

ROWS = 30_000
WIDE = (
    "CREATE TABLE t (id int PRIMARY KEY, n int, filler text)",
    f"INSERT INTO t SELECT n, -n, repeat('x', 700) FROM generate_series(1, {ROWS}) AS n",
)
SUMS = "SELECT count(*), sum(id), sum(n), sum(length(filler)) FROM t"
ASKED = re.compile(r"LOG: +(statement|execute [^:]*):")
MOST_STATEMENTS = 126
NAP = """
CREATE FUNCTION nap(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.05); RETURN n; END $$
"""
BUILDERS = "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()"


@pytest.fixture
def pair(places: Places) -> tuple[Place, Place]:
    here, there = places("postgresql", "postgresql")
    here.run(*WIDE)
    return here, there


def test_partitions_are_written_by_a_session_each(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    output = desk.copy("t", partitions=2)
    assert (output["lane"], output["target_rows"]) == ("raw", ROWS)
    assert there.rows("SELECT count(DISTINCT xmin::text) FROM t") == [(2,)]
    assert there.rows(SUMS) == here.rows(SUMS)


def test_one_stream_leaves_nothing_to_vacuum(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    there.run(WIDE[0])
    desk.copy("t")
    seen = "SELECT relallvisible = relpages FROM pg_class WHERE relname = 't' AND relpages > 0"
    assert there.rows(seen) == [(True,)]


def test_a_value_that_one_session_refuses_ends_them_all(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    here, there = pair
    here.run("UPDATE t SET n = 1 WHERE id = 7")
    there.run(
        "CREATE DOMAIN low AS int CHECK (VALUE < 0)",
        "CREATE TABLE t (id int PRIMARY KEY, n low, filler text)",
    )
    with pytest.raises(StepFailed, match="low"):
        desk.copy("t", partitions=2)
    left = "SELECT relname FROM pg_class WHERE starts_with(relname, 'nomaflow_stash')"
    assert there.rows(left) == []


def test_indexes_are_built_by_two_sessions_which_a_cancel_ends(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    _, there = pair
    there.run(WIDE[0], NAP, "CREATE INDEX a ON t (nap(id))", "CREATE INDEX b ON t (nap(n))")

    def cancel_once_both_build() -> None:
        eventually(lambda: there.rows(BUILDERS) == [(2,)])
        desk.port.cancellation.ask()

    canceller = threading.Thread(target=cancel_once_both_build)
    canceller.start()
    with pytest.raises(StepCanceled):
        desk.copy("t")
    canceller.join()
    eventually(lambda: there.rows(BUILDERS) == [(0,)])
    assert there.rows("SELECT count(*) FROM t") == [(0,)]


def test_how_far_a_large_table_is_need_not_be_counted(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "postgresql")
    here.run(
        "CREATE TABLE t AS SELECT n AS id, repeat('x', 90) AS filler"
        " FROM generate_series(1, 120000) AS n",
        "ANALYZE t",
        "DELETE FROM t WHERE id <= 1000",
    )
    desk.copy("t", batch_size=10_000)
    assert desk.port.reports[0][1] == 120_000
    assert desk.port.reports[-1] == (119_000, 119_000)
    assert there.rows("SELECT count(*) FROM t") == [(119_000,)]


def test_many_columns_get_statistics_of_a_small_sample_first(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "postgresql")
    names = [f"c{n}" for n in range(60)]
    here.run(
        f"CREATE TABLE t (id int PRIMARY KEY, {', '.join(f'{name} int' for name in names)})",
        f"INSERT INTO t SELECT n, {', '.join('n % 1000' for _ in names)}"
        " FROM generate_series(1, 70000) AS n",
    )
    most = "SELECT max(array_length(histogram_bounds, 1)) FROM pg_stats WHERE tablename = 't'"
    desk.copy("t")
    assert there.rows(most) == [(10,)]
    there.run("ALTER TABLE t SET (autovacuum_enabled = off)")
    desk.copy("t")
    assert there.rows(most) == [(101,)]


@pytest.fixture
def statements(
    pair: tuple[Place, Place], postgresql_server: PostgresqlServer
) -> Callable[[], list[str]]:
    """What both databases were asked from here on: the server writes it down."""
    for place in pair:
        place.run(f'ALTER DATABASE "{urlsplit(place.url).path[1:]}" SET log_statement = "all"')
    log = postgresql_server.place.folder / "server.log"
    before = log.stat().st_size

    def asked() -> list[str]:
        lines = log.read_bytes()[before:].decode().splitlines()
        return [line for line in lines if ASKED.search(line)]

    return asked


def test_an_overwrite_asks_few_questions(
    pair: tuple[Place, Place], desk: Desk, statements: Callable[[], list[str]]
) -> None:
    _, there = pair
    there.run(WIDE[0], "CREATE INDEX t_n ON t (n)", "CREATE INDEX t_filler ON t (filler)")
    before = len(statements())
    assert desk.copy("t")["way"] == "rename"
    asked = statements()[before:]
    assert len(asked) <= MOST_STATEMENTS, "\n".join(asked)


@pytest.fixture
def eager_autovacuum(postgresql_server: PostgresqlServer) -> Iterator[None]:
    with closing(psycopg.connect(postgresql_server.url(), autocommit=True)) as connection:
        connection.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        connection.execute("SELECT pg_reload_conf()")
        yield
        connection.execute("ALTER SYSTEM RESET autovacuum_naptime")
        connection.execute("SELECT pg_reload_conf()")


@pytest.mark.usefixtures("eager_autovacuum")
def test_autovacuum_takes_the_whole_sample_after_a_small_one(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "postgresql")
    columns = ", ".join(f"c{n} text" for n in range(60))
    values = ", ".join(f"'value {n} of ' || id" for n in range(60))
    here.run(
        f"CREATE TABLE t (id int PRIMARY KEY, {columns})",
        f"INSERT INTO t SELECT id, {values} FROM generate_series(1, 5000) AS id",
    )
    desk.copy("t")
    most = "SELECT max(array_length(histogram_bounds, 1)) FROM pg_stats WHERE tablename = 't'"
    eventually(lambda: there.rows(most) == [(101,)], seconds=60)


@pytest.mark.usefixtures("eager_autovacuum")
@pytest.mark.parametrize(
    ("beside", "way"), [("SELECT", "rename"), ("CREATE TABLE c (t int REFERENCES t)", "merge")]
)
def test_an_autovacuum_of_the_table_makes_way(
    pair: tuple[Place, Place], desk: Desk, beside: str, way: str
) -> None:
    _, there = pair
    slow = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
    there.run(f"{WIDE[0]} WITH ({slow}, autovacuum_vacuum_insert_threshold = 0)", WIDE[1], beside)
    busy = "SELECT count(*) FROM pg_stat_progress_vacuum WHERE relid = 't'::regclass"
    eventually(lambda: there.rows(busy) == [(1,)])
    assert desk.copy("t")["way"] == way
