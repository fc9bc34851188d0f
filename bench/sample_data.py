"""How fast the demo's data is loaded."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from bench.figure import Figure
from nomaflow.cli.demo.load import load


def measure() -> Iterator[Figure]:
    rows: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        started = perf_counter()
        load(Path(folder) / "operational.db", lambda _, count: rows.append(count))
        seconds = perf_counter() - started
    settings = f"{sum(rows):,} rows, CSV into SQLite"
    yield Figure("load the sample data", seconds, "s", settings)
    yield Figure("rows", sum(rows) / seconds, "rows/s", settings)
