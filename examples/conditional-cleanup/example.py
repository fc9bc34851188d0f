"""A table of 3,000 sessions, half of them old."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

CLEAN = ("run", "clean-sessions", "--wait")
COMMANDS = (CLEAN, CLEAN)


def prepare(home: Path) -> None:
    file = home / "data" / "app.db"
    file.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(file)) as app, app:
        app.execute("CREATE TABLE sessions (id INTEGER PRIMARY KEY, ended_on DATE NOT NULL)")
        days = ("2026-03-01", "2026-09-01")
        app.executemany(
            "INSERT INTO sessions VALUES (?, ?)", [(n, days[n % 2]) for n in range(3000)]
        )


def outcome(home: Path) -> Iterator[str]:
    with closing(sqlite3.connect(home / "data" / "app.db")) as app:
        ((left,),) = app.execute("SELECT count(*) FROM sessions")
    yield f"{left:,} sessions are left"
