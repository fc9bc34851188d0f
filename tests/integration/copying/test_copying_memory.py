"""Memory does not grow with the table."""

import multiprocessing
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import pytest
from tests.integration.copying.conftest import Desk, Place

Places = Callable[[str, str], tuple[Place, Place]]

FEW, MANY = 2_000, 100_000
TABLE = "CREATE TABLE t (id int PRIMARY KEY, filler text)"
FILL = "INSERT INTO t SELECT n, repeat('x', 1000) FROM generate_series(1, {rows}) AS n"
FILL_SQLITE = (
    "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows})"
    " INSERT INTO t SELECT n, printf('%01000d', n) FROM s"
)


def peak_of_copy(urls: dict[str, str], rows: int, **settings: Any) -> tuple[str, float]:
    """The lane, and the most MiB that a process of its own had."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_copy, args=(there, urls, settings)
    )
    process.start()
    lane, copied, peak = here.recv()
    process.join()
    assert copied == rows
    return lane, peak


def _copy(answer: Connection, urls: dict[str, str], settings: dict[str, Any]) -> None:
    desk = Desk()
    desk.urls = urls
    output = desk.copy("t", **settings)
    desk.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answer.send((output["lane"], output["target_rows"], peak))


@pytest.mark.parametrize(
    ("direction", "settings", "lane", "most"),
    [
        ("postgresql postgresql", {}, "raw", 30),
        ("postgresql postgresql", {"partitions": 2}, "raw", 45),
        ("postgresql sqlite", {}, "csv", 70),
        ("sqlite postgresql", {}, "arrow", 70),
        ("postgresql postgresql", {"lane": "rows"}, "rows", 70),
    ],
)
def test_fifty_times_the_rows_take_hardly_more(
    places: Places, desk: Desk, direction: str, settings: dict[str, Any], lane: str, most: float
) -> None:
    source, target = direction.split()
    here, _ = places(source, target)
    fill = FILL_SQLITE if source == "sqlite" else FILL
    here.run(TABLE, fill.format(rows=FEW))
    assert peak_of_copy(desk.urls, FEW, **settings)[0] == lane
    _, little = peak_of_copy(desk.urls, FEW, **settings)
    here.run("DELETE FROM t", fill.format(rows=MANY))
    _, much = peak_of_copy(desk.urls, MANY, **settings)
    assert much - little < most
