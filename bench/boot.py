"""A server with 5,000 jobs: how long until it is ready, and what it needs when nothing is due."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, sleep

from tests.homes import a_query_job, a_token

from bench.dispatch import cpu_seconds
from bench.figure import Figure
from bench.server import a_measured_home, measured

JOBS, SETTLING_SECONDS, IDLE_SECONDS = 5000, 12, 30


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        jobs = "".join(
            a_query_job(f"job-{number}", "SELECT 1", schedule=f"{number % 60} 3 1 1 *")
            for number in range(JOBS)
        )
        home = a_measured_home(Path(folder), jobs)
        token = a_token(home)
        with measured(home, token):
            pass  # the first start ever compiles every module, and keeps that
        started = perf_counter()
        with measured(home, token) as subject:
            settings = f"{JOBS:,} jobs with a schedule, SQLite store"
            seconds = perf_counter() - started
            yield Figure("boot until ready", seconds, "s", settings, "≤ 2", "7.2")
            yield Figure("CPU of the boot", cpu_seconds(subject.pid), "s", settings)
            memory = resident_mb(subject.pid)
            yield Figure("memory after boot", memory, "MB", settings, "≤ 120", "151")
    with (
        tempfile.TemporaryDirectory() as folder,
        measured(a_measured_home(Path(folder), "")) as idle,
    ):
        sleep(SETTLING_SECONDS)
        spent = cpu_seconds(idle.pid)
        sleep(IDLE_SECONDS)
        share = (cpu_seconds(idle.pid) - spent) / IDLE_SECONDS * 100
        settings = f"no jobs, no children, {IDLE_SECONDS} s, {SETTLING_SECONDS} s after the start"
        yield Figure("idle CPU", share, "% of a core", settings, "≤ 0.2", "0.2")
        yield Figure("idle memory", resident_mb(idle.pid), "MB", settings, "≤ 90", "120–128")


def resident_mb(pid: int) -> float:
    """The process's memory; its children are not counted."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    [resident] = [line for line in lines if line.startswith("VmRSS:")]
    return int(resident.split()[1]) / 1000
