import threading
from collections.abc import Iterator

import pytest

from nomaflow.connectors.ahead import READ_AHEAD, read_ahead
from nomaflow.connectors.tables import Column, ColumnType, Kind
from nomaflow.copying.progress import Progress
from nomaflow.copying.stream import Batch, batches

COLUMNS = [
    Column("id", ColumnType(Kind.INTEGER, "integer")),
    Column("n", ColumnType(Kind.TEXT, "text")),
]


def test_batches_have_as_many_rows_as_asked_for() -> None:
    chunks = [[(n, "") for n in range(7)] for _ in range(3)]
    made = list(batches(chunks, COLUMNS, most_rows=5))
    assert [len(batch.rows) for batch in made] == [5, 5, 5, 5, 1]
    assert [row for batch in made for row in batch.rows] == [
        row for chunk in chunks for row in chunk
    ]


def test_batches_end_early_when_their_values_are_large() -> None:
    chunks = [[(n, "x" * 100)] for n in range(10)]
    made = list(batches(chunks, COLUMNS, most_rows=1000, most_bytes=300))
    assert [(len(batch.rows), batch.size) for batch in made] == [(3, 324)] * 3 + [(1, 108)]


def test_no_more_is_read_ahead_than_allowed() -> None:
    read = 0
    taken = threading.Semaphore(0)

    def source() -> Iterator[Batch]:
        nonlocal read
        for _ in range(10):
            read += 1
            taken.release()
            yield Batch([(1,)], 8)

    arriving = read_ahead(source(), lambda: None)
    next(arriving)
    for _ in range(READ_AHEAD + 1):
        assert taken.acquire(timeout=5)
    assert read <= READ_AHEAD + 2
    assert len(list(arriving)) == 9


def test_an_error_of_the_reader_comes_where_the_batches_are_used() -> None:
    def source() -> Iterator[Batch]:
        yield Batch([(1,)], 8)
        raise LookupError("gone")

    arriving = read_ahead(source(), lambda: None)
    next(arriving)
    with pytest.raises(LookupError, match="gone"):
        next(arriving)


def test_a_reader_that_waits_is_interrupted_when_it_is_no_longer_wanted() -> None:
    interrupted = threading.Event()

    def source() -> Iterator[Batch]:
        yield Batch([(1,)], 8)
        assert interrupted.wait(5)

    arriving = read_ahead(source(), interrupted.set)
    next(arriving)
    arriving.close()
    assert interrupted.is_set()


def test_a_reader_ends_when_its_batches_are_no_longer_wanted() -> None:
    closed = threading.Event()

    def source() -> Iterator[Batch]:
        try:
            while True:
                yield Batch([(1,)], 8)
        finally:
            closed.set()

    arriving = read_ahead(source(), lambda: None)
    next(arriving)
    arriving.close()
    assert closed.wait(5)


@pytest.mark.parametrize(
    ("total", "lines"),
    [
        (25, ["▶ batch 1 of 3 · 10 rows", "▶ batch 2 of 3 · 20 rows", "▶ batch 3 of 3 · 25 rows"]),
        (None, ["▶ batch 1 · 10 rows", "▶ batch 2 · 20 rows", "▶ batch 3 · 25 rows"]),
    ],
)
def test_each_full_batch_is_told_and_the_last_one(total: int | None, lines: list[str]) -> None:
    told: list[str] = []
    reports: list[tuple[int, int | None]] = []
    progress = Progress(told.append, lambda *both: reports.append(both), 10, total)
    for rows in (4, 6, 10, 5):
        progress.add(rows)
    progress.finish()
    assert told == lines
    assert reports == [(4, total), (10, total), (20, total), (25, total)]


def test_a_large_number_of_rows_is_grouped() -> None:
    told: list[str] = []
    progress = Progress(told.append, lambda *_: None, 10_000, 470_000)
    progress.add(120_000)
    assert told == ["▶ batch 12 of 47 · 120 000 rows"]
