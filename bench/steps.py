"""Steps in Python: what one costs beside its work, how fast it logs, and how twenty are stopped.

In one process on the default store (SQLite) with full history; the steps' functions execute in
child processes, as always.
"""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from itertools import pairwise, starmap
from pathlib import Path
from time import perf_counter, process_time

from tests.commands import lives
from tests.homes import ended, messages, running
from tests.waiting import once_true

from bench.figure import Figure, quantile
from bench.server import a_measured_home
from nomaflow.app import App
from nomaflow.domain.run import RunId, RunOptions
from nomaflow.domain.states import RunState

STEPS, LINES, LOOPS = 200, 500_000, 20
RUNNER = f"[runner]\nmax_concurrent_runs = {LOOPS}\nmax_processes = {LOOPS}"
LINE = "line %d: the customer was looked up and found"
PLUGIN = f"""
import os, time

def nothing(ctx):
    pass

def chatter(ctx):
    for number in range({LINES}):
        ctx.log.info("{LINE}", number)

def loop(ctx, start):
    ctx.log.info("pid %d", os.getpid())
    while not os.path.exists(start):
        time.sleep(0.05)
    while True:
        pass
"""


def measure() -> Iterator[Figure]:
    for figures in (overhead, logging, stopping):
        with tempfile.TemporaryDirectory() as folder:
            yield from asyncio.run(figures(Path(folder)))


async def overhead(folder: Path) -> list[Figure]:
    """From the end of each step to the end of the next, with nothing to do between."""
    async with running(a_python_home(folder, nothing=STEPS)) as app:
        await ended(app, "nothing")
        began = process_time()
        _, steps = await ended(app, "nothing")
        cpu_ms = (process_time() - began) * 1000 / STEPS
    ends = [step.finished_at for step in steps if step.finished_at]
    spent = [(after - before).total_seconds() * 1000 for before, after in pairwise(ends)]
    settings = f"{STEPS} empty python steps of one run, warm process, the end of each is durable"
    return [
        Figure("a step, p50", quantile(spent, 0.5), "ms", settings, "≤ 2"),
        Figure("a step, p99", quantile(spent, 0.99), "ms", settings),
        Figure("CPU of the service per step", cpu_ms, "ms", settings),
        Figure("one durable row alone, p50", quantile(commits(folder), 0.5), "ms", settings),
    ]


def commits(folder: Path) -> list[float]:
    """Milliseconds of each of a few durable writes into a file of the same disk."""
    with closing(sqlite3.connect(folder / "beside.db", isolation_level=None)) as beside:
        beside.execute("PRAGMA journal_mode = WAL")
        beside.execute("PRAGMA synchronous = FULL")
        beside.execute("CREATE TABLE rows (number INTEGER)")
        return [timed(lambda: beside.execute("INSERT INTO rows VALUES (1)")) for _ in range(STEPS)]


def timed(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return (perf_counter() - began) * 1000


async def logging(folder: Path) -> list[Figure]:
    """From the start of the run until its end, when the last line is stored."""
    async with running(a_python_home(folder, nothing=1, chatter=1)) as app:
        await ended(app, "nothing")
        began = perf_counter()
        run, _ = await ended(app, "chatter")
        seconds = perf_counter() - began
        kept = await kept_in_order(app, run.id)
    settings = f"{LINES:,} lines of {len(LINE)} characters by one step, all of them stored"
    return [
        Figure("lines", LINES / seconds, "lines/s", settings, "≥ 50,000"),
        Figure("lines that are lost or out of order", LINES - kept, "lines", settings, "0"),
    ]


async def kept_in_order(app: App, run_id: RunId) -> int:
    """How many of the step's lines the history has, each behind the one before it."""
    number = after = 0
    while lines := await app.runs.lines(run_id, after=after, limit=10_000):
        after = lines[-1].seq
        for line in lines:
            number += line.message == LINE % number
    return number


async def stopping(folder: Path) -> list[Figure]:
    """Twenty loops that never look up, cancelled at once."""
    async with running(a_python_home(folder, loop=1)) as app:
        start = folder / "start"
        options = RunOptions(params={"start": str(start)})
        runs = [await app.runs.start("loop", options, by="cli:bench") for _ in range(LOOPS)]
        pids = [await pid_of(app, run_id) for run_id in runs]
        start.touch()
        await asyncio.sleep(1)
        async with turns() as gaps:
            began = perf_counter()
            for run_id in runs:
                await app.runs.cancel(run_id, by="cli:bench")
            ends = [await app.runs.wait(run_id, seconds=60) for run_id in runs]
            seconds = perf_counter() - began
        left = sum(map(lives, pids))
    canceled = sum(run.state is RunState.CANCELED for run in ends)
    settings = f"{LOOPS} runs of `while True: pass` cancelled at once, grace 3 s"
    return [
        Figure("all ended after", seconds, "s", settings, "≤ 5"),
        Figure("of them CANCELED", canceled, "runs", settings, f"{LOOPS}"),
        Figure("processes that are left", left, "processes", settings, "0"),
        Figure("the event loop's longest stall", max(gaps) * 1000, "ms", settings, "≤ 50"),
    ]


async def pid_of(app: App, run_id: RunId) -> int:
    """The process that the run's loop is in, once it has begun."""

    async def told() -> Sequence[str]:
        return [line for line in await messages(app, run_id) if line.startswith("pid ")]

    (line,) = await once_true(told, seconds=60)
    return int(line.removeprefix("pid "))


@asynccontextmanager
async def turns() -> AsyncIterator[list[float]]:
    """Seconds between the turns of the event loop while the context is open."""
    gaps: list[float] = []

    async def tick() -> None:
        while True:
            before = perf_counter()
            await asyncio.sleep(0.001)
            gaps.append(perf_counter() - before)

    ticking = asyncio.create_task(tick())
    try:
        yield gaps
    finally:
        ticking.cancel()


def a_python_home(folder: Path, **functions: int) -> Path:
    """A home with a job for each function, of so many steps that call it."""
    home = a_measured_home(folder, "".join(starmap(a_python_job, functions.items())), RUNNER)
    (home / "plugins" / "plugin.py").write_text(PLUGIN, encoding="utf-8")
    return home


def a_python_job(function: str, steps: int) -> str:
    """It bears the function's name."""
    lines = ["[[jobs]]", f'id = "{function}"', 'overlap = "allow"']
    for number in range(1, steps + 1):
        lines += ["[[jobs.steps]]", f'name = "step-{number}"', 'type = "python"']
        lines += [f'callable = "plugin:{function}"']
    return "\n".join([*lines, ""])
