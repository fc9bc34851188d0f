"""An ERP's database with 5,000 orders, an empty reporting database, and a chat that listens."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sample_service import Reply, Request, sample_service

COMMANDS = (("run", "sync-orders", "--wait"),)
messages: list[str] = []


def prepare(home: Path) -> None:
    _make_erp(home / "data" / "erp.db")


@contextmanager
def world(home: Path) -> Iterator[None]:
    with sample_service(home, "chat", _hear):
        yield


def outcome(home: Path) -> Iterator[str]:
    with closing(sqlite3.connect(home / "data" / "reporting.db")) as reporting:
        for table in ("customers", "orders"):
            ((rows,),) = reporting.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
            yield f"reporting.{table}: {rows:,} rows"
    yield from (f"The chat read: {message}" for message in messages)


def _hear(request: Request) -> Reply:
    messages.append(json.loads(request.body)["text"])
    return Reply(status=201)


def _make_erp(file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(file)) as erp, erp:
        erp.executescript(
            """
            CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL);
            CREATE TABLE orders (
                id INTEGER PRIMARY KEY,
                customer_id INTEGER NOT NULL REFERENCES customers (id),
                ordered_on DATE NOT NULL,
                amount DECIMAL(10, 2) NOT NULL
            );
            """
        )
        erp.executemany(
            "INSERT INTO customers VALUES (?, ?)", [(n, f"Customer {n}") for n in range(1, 201)]
        )
        erp.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?)",
            [(n, n % 200 + 1, f"2026-{n % 12 + 1:02}-11", f"{n % 97}.50") for n in range(5000)],
        )
