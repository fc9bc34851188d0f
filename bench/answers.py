"""How soon the server answers while it works: a copy, and a Python loop that never looks up."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter

from tests.homes import a_token
from tests.kills import CONNECTORS, FILL_ORDERS, MAKE_ORDERS

from bench.figure import Figure, quantile
from bench.server import Client, Subject, a_measured_home, measured

ROWS, COPIES, ASKED = 2_000_000, 5, 400
PATHS = {"/health": "/health", "a page of runs": "/api/v1/runs?limit=50"}
PLUGIN = """
def busy(ctx):
    while True:
        pass
"""
JOBS = """
[[jobs]]
id = "busy"
[[jobs.steps]]
name = "loop"
type = "python"
callable = "plugin:busy"

[[jobs]]
id = "ask"
overlap = "allow"
[[jobs.steps]]
name = "ask"
type = "sql_query"
connector = "default"
query = "SELECT 1"

[[jobs]]
id = "copy"
"""
COPY = """
[[jobs.steps]]
name = "copy-{0}"
type = "sql_copy"
source = {{ connector = "here", table = "orders" }}
target = {{ connector = "there", table = "copied_{0}" }}
"""


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        home = a_home_with_orders(Path(folder), ROWS)
        with measured(home, a_token(home)) as subject:
            yield from figures(subject)


def a_home_with_orders(folder: Path, rows: int) -> Path:
    """A home with the jobs `busy`, which never ends, `copy` of so many rows, often, and `ask`."""
    home = a_measured_home(folder, JOBS + "".join(map(COPY.format, range(COPIES))))
    urls = {"here": "sqlite:///data/here.db", "there": "sqlite:///data/there.db"}
    (home / "connectors.toml").write_text(CONNECTORS.format(**urls), encoding="utf-8")
    (home / "plugins" / "plugin.py").write_text(PLUGIN, encoding="utf-8")
    (home / "data").mkdir(exist_ok=True)
    with closing(sqlite3.connect(home / "data" / "here.db")) as here:
        here.execute(MAKE_ORDERS)
        here.execute(FILL_ORDERS.format(rows))
        here.commit()
    return home


def figures(subject: Subject) -> Iterator[Figure]:
    client = subject.client()
    for _ in range(50):
        client.run("ask")
    quiet = {name: spent(client, path, ASKED) for name, path in PATHS.items()}
    client.run("busy")
    copy = client.run("copy")
    busy = {name: spent(client, path, ASKED) for name, path in PATHS.items()}
    is_copying = client.ask(f"/api/v1/runs/{copy}")["state"] == "RUNNING"
    yield Figure(
        "the copy outlasted the measurement", is_copying, "", f"{COPIES} × {ROWS:,} rows", "1"
    )
    client.ask(f"/api/v1/runs/{copy}/cancel", "POST")
    for name in PATHS:
        settings = f"SQLite store, {ASKED} requests one by one over HTTP"
        for share in (0.5, 0.99):
            alone, beside = quantile(quiet[name], share), quantile(busy[name], share)
            which = f"{name}, p{share * 100:.0f}"
            yield Figure(f"{which}, nothing runs", alone, "ms", settings)
            target = "≤ 50" if share == 0.99 else ""
            yield Figure(f"{which}, copy and busy loop run", beside, "ms", settings, target)


def spent(client: Client, path: str, times: int) -> list[float]:
    """Milliseconds of each request."""
    return [timed(client, path) for _ in range(times)]


def timed(client: Client, path: str) -> float:
    started = perf_counter()
    client.ask(path)
    return (perf_counter() - started) * 1000
