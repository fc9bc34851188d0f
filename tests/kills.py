"""A server that is killed again and again, at seeded moments of a run that moves rows.

The run copies a table over another, does a step in Python, appends the table to a ledger and adds
a row to a list. Whoever looks must see whole tables, old or new, at any moment; and in the end
each run has succeeded, with nothing lost and nothing doubled.
"""

import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count as count_up
from pathlib import Path
from typing import Any

import psycopg
from tests.commands import Server, serving
from tests.homes import a_home, a_token
from tests.waiting import eventually

PLUGIN = """
import time

def note(ctx, place):
    with open(place, "a") as notes:
        notes.write(f"{ctx.run_id}\\n")
    time.sleep(0.1)
"""
JOBS = """
[[jobs]]
id = "move"
on_crash = "resume"
retry = {{ attempts = 3, base_seconds = 0 }}
[[jobs.steps]]
name = "copy"
type = "sql_copy"
source = {{ connector = "here", table = "orders" }}
target = {{ connector = "there", table = "copied" }}
batch_size = 1000
lane = "rows"
[[jobs.steps]]
name = "note"
type = "python"
callable = "plugin:note"
op_kwargs = {{ place = "{notes}" }}
[[jobs.steps]]
name = "append"
type = "sql_copy"
mode = "append"
source = {{ connector = "here", table = "orders" }}
target = {{ connector = "there", table = "ledger" }}
batch_size = 1000
lane = "rows"
[[jobs.steps]]
name = "list"
type = "sql_query"
connector = "there"
query = "INSERT INTO listed VALUES (:run_id)"
"""
CONNECTORS = """
[pools.here]
url = "{here}"
[pools.there]
url = "{there}"
[connectors.here]
type = "sql"
pool = "here"
[connectors.there]
type = "sql"
pool = "there"
"""
PROCESSES = "SELECT count(*) FROM ly2_processes"
OPEN_RUNS = "SELECT count(*) FROM ly2_job_runs WHERE state IN ('QUEUED', 'RUNNING')"
OPEN_STEPS = "SELECT count(*) FROM ly2_step_runs WHERE state IN ('PENDING', 'RUNNING')"
OPEN_TRIES = "SELECT count(*) FROM ly2_step_attempts WHERE state = 'RUNNING'"
STEP_UNDER_WAY = "SELECT name FROM ly2_step_runs WHERE run_id = {} AND state = 'RUNNING'"
STEP_STATE = "SELECT state FROM ly2_step_runs WHERE run_id = {} AND name = '{}'"
STATE = "SELECT state FROM ly2_job_runs WHERE id = {}"
VERSIONS = "SELECT version, count(*) FROM {} GROUP BY version"
TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
LISTED = "SELECT count(*) FROM listed WHERE run_id = {}"
MAKE_ORDERS = "CREATE TABLE orders (id INTEGER, version INTEGER, word TEXT)"
FILL_ORDERS = """
INSERT INTO orders
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})
SELECT i, 1, 'word ' || i FROM n
"""

STEPS = ("copy", "append", "copy", "note", "append", "list")
"""For which step a kill is meant, in turn: the copies most often."""

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Ground:
    """Where the rows and the store lie. `ask(place, statement)`: `here`, `there` or `store`."""

    rows: int
    connectors: str
    ask: Callable[[str, str], Rows]


@dataclass(frozen=True)
class Kill:
    """One kill: the step that it was meant for, and what it hit; None when the run had ended."""

    meant: str
    step: str | None


def on_sqlite(home: Path) -> Ground:
    """Three files of the home: the store, and one for each side of the copy."""
    files = {"here": "here.db", "there": "there.db", "store": "nomaflow.db"}

    def ask(place: str, statement: str) -> Rows:
        file = home / "data" / files[place]
        file.parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(file, timeout=30)) as connection:
            rows = connection.execute(statement).fetchall()
            connection.commit()
            return rows

    urls = {"here": "sqlite:///data/here.db", "there": "sqlite:///data/there.db"}
    return Ground(40_000, CONNECTORS.format(**urls), ask)


def on_postgresql(url: str) -> Ground:
    """One database for all."""

    def ask(_place: str, statement: str) -> Rows:
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return found.fetchall() if found.description else []

    store = f'[pools.default]\nurl = "{url}"\n'
    return Ground(60_000, store + CONNECTORS.format(here=url, there=url), ask)


def kills(
    folder: Path, ground: Ground, count: int, chance: random.Random, strike: "Strike | None" = None
) -> Iterator[Kill]:
    """So many kills, each held against the promises as soon as it happened: AssertionError.

    `strike` does another harm in the place of each kill.
    """
    notes = folder / "notes"
    jobs = JOBS.format(notes=notes)
    home = a_home(
        folder / "home", jobs, connectors=ground.connectors, plugins={"plugin.py": PLUGIN}
    )
    with (home / "app.toml").open("a") as settings:
        settings.write("\n[runner]\ndead_after_seconds = 2\n")
    ground.ask("here", MAKE_ORDERS)
    ground.ask("here", FILL_ORDERS.format(ground.rows))
    ground.ask("there", "CREATE TABLE listed (run_id INTEGER)")
    token, names = a_token(home), count_up(1)
    with ExitStack() as living:

        def boot() -> Server:
            return living.enter_context(serving(home, token, name=f"serve-{next(names)}"))

        server = boot()
        lengths = _step_lengths(server)
        for version in range(2, count + 2):
            ground.ask("here", f"UPDATE orders SET version = {version}")
            ground.ask("there", "DELETE FROM ledger")
            run_id = server.run("move")
            step = STEPS[version % len(STEPS)]
            _once_begun(ground, run_id, step)
            time.sleep(chance.uniform(0, lengths[step]))  # the moment is chosen, not waited for
            with (strike or by_kill)(server, boot, ground) as harmed:
                yield Kill(step, _hit(ground, run_id))
                _check_whole(ground, version)
                server = harmed()
                run = server.ended(run_id, seconds=60)
                _check_ended(ground, run, version)
            _check_ended(ground, server.get(f"/api/v1/runs/{run_id}"), version)
            _check_tries(run["steps"][1], notes.read_text().split().count(str(run_id)))
            _check_tries(run["steps"][3], ground.ask("there", LISTED.format(run_id))[0][0])


Boot = Callable[[], Server]
Strike = Callable[[Server, Boot, Ground], AbstractContextManager[Boot]]
"""Harms a server; the context gives what gives the server that goes on."""


@contextmanager
def by_kill(server: Server, boot: Boot, _ground: Ground) -> Iterator[Boot]:
    """The server is gone at once, and a new one starts."""
    server.command.signal(signal.SIGKILL)
    server.command.ended()
    yield boot


@contextmanager
def by_sleep(server: Server, boot: Boot, ground: Ground) -> Iterator[Boot]:
    """The server freezes until another one has done its work; what it started goes on."""
    server.command.signal(signal.SIGSTOP)
    yield boot
    eventually(lambda: ground.ask("store", PROCESSES) == [(1,)])
    server.command.signal(signal.SIGCONT)
    server.command.said("Others took this process for dead")
    server.command.signal(signal.SIGKILL)
    server.command.ended()


def by_cut(url: str) -> Strike:
    """Every session on the database of that URL ends, those of the store and of the copies."""

    @contextmanager
    def cut(server: Server, _boot: Boot, _ground: Ground) -> Iterator[Boot]:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TERMINATE)
        yield lambda: server

    return cut


def _step_lengths(server: Server) -> dict[str, float]:
    """Seconds of each step in a run that nobody disturbs, once everything is warm."""
    for _ in range(2):
        run = server.ended(server.run("move"), seconds=60)
        assert run["state"] == "SUCCEEDED", run
    return {step["name"]: _seconds(step) for step in run["steps"]}


def _seconds(step: Any) -> float:
    began, ended = (datetime.fromisoformat(step[name]) for name in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


def _once_begun(ground: Ground, run_id: int, step: str) -> None:
    """Returns at the begin of the step, or soon after."""
    state = STEP_STATE.format(run_id, step)
    while ground.ask("store", state) in ([], [("PENDING",)]):
        time.sleep(0.002)


def _hit(ground: Ground, run_id: int) -> str | None:
    """The step under way in a run whose process is dead; `between` when there is none."""
    if ground.ask("store", STATE.format(run_id)) != [("RUNNING",)]:
        return None
    steps = ground.ask("store", STEP_UNDER_WAY.format(run_id))
    return str(steps[0][0]) if steps else "between"


def _check_whole(ground: Ground, version: int) -> None:
    """Every target is the old or the new whole table, while nobody has repaired anything."""
    copied = ground.ask("there", VERSIONS.format("copied"))
    assert copied in ([(version - 1, ground.rows)], [(version, ground.rows)]), copied
    ledger = ground.ask("there", VERSIONS.format("ledger"))
    assert ledger in ([], [(version, ground.rows)]), ledger


def _check_ended(ground: Ground, run: Any, version: int) -> None:
    """Nothing is open, nothing lost, nothing doubled."""
    assert (run["state"], run["reason"]) == ("SUCCEEDED", None), run
    assert [step["state"] for step in run["steps"]] == ["SUCCEEDED"] * 4, run
    for still_open in (OPEN_RUNS, OPEN_STEPS, OPEN_TRIES):
        assert ground.ask("store", still_open) == [(0,)], still_open
    for table in ("copied", "ledger"):
        found = ground.ask("there", VERSIONS.format(table))
        assert found == [(version, ground.rows)], (table, found)


def _check_tries(step: Any, done: int) -> None:
    """One that was interrupted is done once more; one that had ended is not."""
    assert 1 <= done <= step["attempts"], (step, done)
