"""A long history: pages of a million runs through the API, and one log of a million lines."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from urllib.parse import quote

import psycopg
from tests.homes import a_query_job, a_token
from tests.servers.postgresql import throwaway_postgresql

from bench.figure import Figure, quantile
from bench.server import Client, a_measured_home, measured, store_rows
from nomaflow.app import App
from nomaflow.domain.run import LogLine, RunOptions
from nomaflow.history.changes import LinesAdded

RUNS, LINES, TIMES = 1_000_000, 1_000_000, 40
START = datetime(2025, 1, 1, tzinfo=UTC)
SQLITE_INSTANTS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}),
    at(i, t) AS (SELECT i, strftime('%Y-%m-%d %H:%M:%S', 1735689600 + i * 30, 'unixepoch')
        || '.000000+00:00' FROM n)
"""
POSTGRESQL_INSTANTS = """
WITH at(i, t) AS (SELECT i, to_timestamp(1735689600 + i * 30) FROM generate_series(1, {}) n(i))
"""
MANY = """
INSERT INTO ly2_job_runs (job_id, state, reason, triggered_by, trigger_id, scheduled_at, created_at,
    started_at, finished_at, attempt, params)
{} SELECT CASE WHEN i % 333333 = 7 THEN 'rarely' ELSE 'job-' || (i % 500) END,
    CASE WHEN i % 50 = 0 THEN 'FAILED' ELSE 'SUCCEEDED' END,
    CASE WHEN i % 50 = 0 THEN 'step ''copy'' failed: timeout' END, 'cron', 'schedule', t, t, t, t,
    1, '{{}}' FROM at
"""
FILTERS = {
    "first page": "",
    "a job": "job=job-7",
    "a state": "state=FAILED",
    "a job and a state": "job=job-7&state=FAILED",
    "a day": f"since={quote('2025-06-01T00:00:00Z')}&until={quote('2025-06-02T00:00:00Z')}",
    "a day and a state": f"since={quote('2025-06-01T00:00:00Z')}&state=FAILED",
    "a text that is common": "q=timeout",
    "a text that few old runs have": "q=rarely",
    "a text that no run has": "q=nowhere",
    "two states": "state=FAILED&state=CANCELED",
    "two states and a text that no run has": "state=FAILED&state=SUCCEEDED&q=nowhere",
    "a job, two states and a day": (
        f"job=job-7&state=FAILED&state=SUCCEEDED&since={quote('2025-06-01T00:00:00Z')}"
        f"&until={quote('2025-06-02T00:00:00Z')}"
    ),
}


def measure() -> Iterator[Figure]:
    yield from on_sqlite()
    yield from on_postgresql()
    with tempfile.TemporaryDirectory() as folder:
        home = a_measured_home(Path(folder), a_query_job("ask", "SELECT 1"))
        yield from asyncio.run(long_log(home))


def on_sqlite() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        home = a_measured_home(Path(folder), a_query_job("ask", "SELECT 1"))
        token = a_token(home)
        with closing(sqlite3.connect(home / "data" / "nomaflow.db")) as store:
            store.execute(MANY.format(SQLITE_INSTANTS.format(RUNS)))
            store.commit()
        with measured(home, token) as subject:
            yield from pages(subject.client(), "SQLite")


def on_postgresql() -> Iterator[Figure]:
    with (
        tempfile.TemporaryDirectory() as folder,
        throwaway_postgresql() as server,
        server.database() as url,
    ):
        home = a_measured_home(Path(folder), a_query_job("ask", "SELECT 1"))
        with (home / "connectors.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[pools.default]\nurl = "{url}"\n')
        token = a_token(home)
        with psycopg.connect(url, autocommit=True) as store:
            store.execute(MANY.format(POSTGRESQL_INSTANTS.format(RUNS)).encode())
            store.execute("VACUUM ANALYZE ly2_job_runs")
        with measured(home, token) as subject:
            yield from pages(subject.client(), "PostgreSQL")


def pages(client: Client, store: str) -> Iterator[Figure]:
    for name, query in FILTERS.items():
        spent = [timed(client, f"/api/v1/runs?limit=50&{query}") for _ in range(TIMES)]
        settings = f"{store}, {RUNS:,} runs, 50 per page, over HTTP, median of {TIMES}"
        yield Figure(f"page: {name}", quantile(spent, 0.5), "ms", settings, "≤ 30")


def timed(client: Client, path: str) -> float:
    started = perf_counter()
    client.ask(path)
    return (perf_counter() - started) * 1000


async def long_log(home: Path) -> list[Figure]:
    app = App.build(home)
    async with app.store():
        run_id = await app.runs.start("ask", RunOptions(), by="cli:bench")
        process = await app.stored.processes.register("bench")
        [run] = await app.queue.claim(process, 1)
        raw = 0
        for first in range(1, LINES, 5000):
            lines = [line(number) for number in range(first, first + 5000)]
            raw += sum(len(each.message) + 30 for each in lines)
            await app.stored.runs.write(run.fence, LinesAdded(lines))
        spent = []
        for _ in range(TIMES):
            started = perf_counter()
            await app.stored.logs.tail(run_id)
            spent.append((perf_counter() - started) * 1000)
    [(stored,)] = store_rows(home, "SELECT sum(length(lines)) FROM ly2_job_logs")
    settings = f"{LINES:,} lines"
    tail = f"{settings}, the last 1,000, median of {TIMES}"
    return [
        Figure("log tail", quantile(spent, 0.5), "ms", tail, "≤ 20"),
        Figure(
            "log stored",
            stored / raw,
            "× raw",
            f"{settings}, 30 bytes a line for time and level",
            "≤ 0.35",
        ),
    ]


def line(number: int) -> LogLine:
    at = START + timedelta(milliseconds=7 * number)
    message = f"▶ batch {number} of {LINES} · {number * 10_000} rows copied to reporting.orders"
    return LogLine(at, "INFO", message, "copy-orders", 1, "", number)
