"""From the trigger to the step: runs one by one, by eight clients, a thousand due at once.

An ordinary job, `sql_query` with `SELECT 1`, on the default store (SQLite) with full history.
"""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter, sleep

from tests.homes import a_query_job

from bench.figure import Figure, quantile
from bench.server import Subject, a_measured_home, instant, measured
from nomaflow.clock import SystemClock

ONE_BY_ONE, TOGETHER, CLIENTS, DUE = 300, 1600, 8, 1000
ORDINARY = "sql_query SELECT 1, SQLite store, full history"
ENDED = "SELECT count(*) FROM ly2_job_runs WHERE state = 'SUCCEEDED'"
STEPS = "SELECT run_id, started_at, finished_at FROM ly2_step_runs"
FIRED = """
SELECT count(DISTINCT job_id), min(scheduled_at), max(created_at), max(started_at)
FROM ly2_job_runs
"""
CLOCK = SystemClock()


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        yield from by_hand(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        yield from due_at_once(Path(folder))


def by_hand(folder: Path) -> Iterator[Figure]:
    home = a_measured_home(folder, a_query_job("ask", "SELECT 1", overlap="allow"))
    with measured(home) as subject:
        one_by_one(subject, 20)
        yield from latency(one_by_one(subject, ONE_BY_ONE))
        yield from throughput(subject)


def one_by_one(subject: Subject, count: int) -> list[tuple[float, float]]:
    """Milliseconds from each request to the begin of its step, and to the step's end."""
    client = subject.client()
    asked = {}
    for _ in range(count):
        at = CLOCK.now()
        asked[client.run("ask")] = at
        sleep(0.02)
    subject.wait(f"{ENDED} AND id = {max(asked)}", 1)
    steps = {run_id: times for run_id, *times in subject.rows(STEPS)}
    return [
        (milliseconds(at, instant(steps[run_id][0])), milliseconds(at, instant(steps[run_id][1])))
        for run_id, at in asked.items()
    ]


def latency(found: list[tuple[float, float]]) -> Iterator[Figure]:
    settings = f"{ORDINARY}, {len(found)} runs one by one over HTTP"
    for share, target, older in ((0.5, "≤ 5", "14–19"), (0.99, "≤ 15", "48–98")):
        first = quantile([begun for begun, _ in found], share)
        done = quantile([ended for _, ended in found], share)
        name = f"p{share * 100:.0f}"
        yield Figure(f"trigger → first step, {name}", first, "ms", settings, target, older)
        yield Figure(f"trigger → end of the step, {name}", done, "ms", settings)


def throughput(subject: Subject) -> Iterator[Figure]:
    share, before = TOGETHER // CLIENTS, subject.rows(ENDED)[0][0]
    spent, began = cpu_seconds(subject.pid), perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda _: many_runs(subject, share), range(CLIENTS)))
    subject.wait(ENDED, before + TOGETHER)
    seconds = perf_counter() - began
    settings = f"{ORDINARY}, {TOGETHER} runs, {CLIENTS} clients over HTTP, 16 at a time"
    yield Figure("throughput", TOGETHER / seconds, "runs/s", settings, "≥ 300", "30–44")
    cost = (cpu_seconds(subject.pid) - spent) / TOGETHER * 1000
    yield Figure("CPU of the server per run", cost, "ms", settings)


def many_runs(subject: Subject, count: int) -> None:
    client = subject.client()
    for _ in range(count):
        client.run("ask")


def due_at_once(folder: Path) -> Iterator[Figure]:
    second = (CLOCK.now() + timedelta(seconds=15)).second
    jobs = "".join(
        a_query_job(f"job-{number}", "SELECT 1", schedule=f"* * * * * {second}", timezone="UTC")
        for number in range(DUE)
    )
    home = a_measured_home(folder, jobs, "[runner]\nmax_concurrent_runs = 64")
    with measured(home) as subject:
        subject.wait("SELECT count(*) FROM ly2_job_runs", 1)
        seen_at = CLOCK.now()
        subject.wait("SELECT count(*) FROM ly2_job_runs", DUE)
        durable_at = CLOCK.now()
        subject.wait(ENDED, DUE)
        yield from lateness(subject, max(seen_at, durable_at))


def lateness(subject: Subject, durable_at: datetime) -> Iterator[Figure]:
    [(jobs, due, decided, started)] = subject.rows(FIRED)
    at = instant(due)
    settings = f"{ORDINARY}, {DUE} due in one second, max_concurrent_runs = 64"
    yield Figure("decided, the last", milliseconds(at, instant(decided)), "ms", settings, "≤ 25")
    yield Figure("rows durable", milliseconds(at, durable_at), "ms", settings, "≤ 150")
    last = milliseconds(at, instant(started)) / 1000
    yield Figure("started, the last", last, "s", settings, "≤ 3", "9–30 for 500")
    yield Figure("jobs among them", jobs, "jobs", settings, f"{DUE}")


def milliseconds(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() * 1000


def cpu_seconds(pid: int) -> float:
    """User and system time of the process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
