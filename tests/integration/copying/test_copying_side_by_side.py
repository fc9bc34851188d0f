"""What several sessions of the target do at once, and that they end together."""

import threading
from collections.abc import Callable

import pytest
from tests.integration.copying.conftest import Desk, Place
from tests.waiting import eventually

from nomaflow.errors import StepCanceled, StepFailed

Places = Callable[[str, str], tuple[Place, Place]]

ROWS = 30_000
WIDE = (
    "CREATE TABLE t (id int PRIMARY KEY, n int, filler text)",
    f"INSERT INTO t SELECT n, -n, repeat('x', 700) FROM generate_series(1, {ROWS}) AS n",
)
SUMS = "SELECT count(*), sum(id), sum(n), sum(length(filler)) FROM t"
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
