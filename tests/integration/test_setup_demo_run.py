"""The demo's nightly job, run as a user runs it, on the whole data set."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url
from tests.commands import started
from tests.waiting import eventually

from nomaflow.catalogue.home import Home
from nomaflow.cli.demo import examples
from nomaflow.cli.demo.load import load
from nomaflow.cli.demo.make import lay_out

pytestmark = pytest.mark.slow

KEYS = {
    "airlines": "carrier",
    "airports": "faa",
    "planes": "tailnum",
    "weather": "origin, time_hour",
    "flights": "time_hour, origin, carrier, flight",
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_the_nightly_job_copies_every_value_into_sqlite(home: Home) -> None:
    lay_out(home)
    load(home.data / "operational.db", lambda *_: None)
    assert nightly_refresh(home)["state"] == "SUCCEEDED"
    with closing(sqlite3.connect(home.data / "reporting.db")) as reporting:
        assert_same_tables(home, lambda query: reporting.execute(query))
        assert reporting.execute("SELECT sum(flights) FROM carrier_months").fetchone() == (336776,)


def test_the_nightly_job_copies_every_value_into_postgresql(
    home: Home, postgresql_url: str
) -> None:
    lay_out(home, make_url(postgresql_url))
    load(home.data / "operational.db", lambda *_: None)
    for _ in range(2):
        assert nightly_refresh(home)["state"] == "SUCCEEDED"
    with psycopg.connect(postgresql_url) as reporting:
        assert_same_tables(home, lambda query: reporting.execute(query))
        assert reporting.execute("SELECT sum(flights) FROM carrier_months").fetchone() == (336776,)


def test_the_demo_serves_and_every_example_that_can_run_has_run(home: Home) -> None:
    """Twice: the second start finds what the first one left."""
    for _ in range(2):
        with started("demo", home.path, "--port", "0", files=home.path.parent / "demo") as demo:
            demo.said("Nomaflow listens on")
            runs = eventually(lambda: ended_runs(home), seconds=60)
            demo.signal(signal.SIGINT)
            demo.ended()
    wanted = {job for job, _ in examples.tries()} | {"nightly-refresh"}
    assert {job for job, _ in runs} >= wanted
    assert {state for job, state in runs if job in wanted} == {"SUCCEEDED"}


def ended_runs(home: Home) -> set[tuple[str, str]]:
    """Job and state of each run; empty while one of them goes on."""
    with closing(sqlite3.connect(home.data / "nomaflow.db")) as store:
        runs = store.execute("SELECT job_id, state FROM ly2_job_runs").fetchall()
    return set() if {"QUEUED", "RUNNING"} & {state for _, state in runs} else set(runs)


def nightly_refresh(home: Home) -> dict[str, Any]:
    """Run the job by the command; returns the one object that it prints."""
    program = [sys.executable, "-m", "nomaflow", "run", "nightly-refresh", "--wait", "--json"]
    ended = subprocess.run([*program, "--home", home.path], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    detail: dict[str, Any] = json.loads(ended.stdout)
    return detail


def assert_same_tables(home: Home, ask: Callable[[str], Any]) -> None:
    with closing(sqlite3.connect(home.data / "operational.db")) as operational:
        for table, key in KEYS.items():
            query = f"SELECT * FROM {table} ORDER BY {key}"
            expected, found = operational.execute(query), ask(query)
            assert names(found) == names(expected)
            for row, copied in zip(expected, found, strict=True):
                assert row == tuple(map(plain, copied))


def names(cursor: Any) -> list[str]:
    return [column[0] for column in cursor.description]


def plain(value: Any) -> Any:
    """An instant as SQLite keeps it."""
    return str(value) if isinstance(value, datetime) else value
