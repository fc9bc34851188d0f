"""Orders of two months, and invoices that are wrong but for the one that was paid."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

COMMANDS = (
    ("run", "rebuild-invoices", "--param", "month=October", "--param", "region=EU", "--wait"),
    ("run", "rebuild-invoices", "--param", "month=2026-10", "--param", "region=EU", "--wait"),
    ("run", "rebuild-invoices", "--preset", "october-eu", "--wait"),
)


def prepare(home: Path) -> None:
    file = home / "data" / "app.db"
    file.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(file)) as app, app:
        for table, rest in (("orders", ""), ("invoices", ", paid BOOLEAN NOT NULL")):
            app.execute(
                f"CREATE TABLE {table} (customer INTEGER, month TEXT, region TEXT,"
                f" amount DECIMAL(10, 2){rest})"
            )
        app.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?)",
            [
                (n % 10, f"2026-{9 + n % 2:02}", ("EU", "US")[n % 3 // 2], 10 + n)
                for n in range(120)
            ],
        )
        app.execute("INSERT INTO invoices VALUES (1, '2026-10', 'EU', 99, TRUE)")
        app.execute("INSERT INTO invoices VALUES (3, '2026-10', 'EU', 0, FALSE)")


def outcome(home: Path) -> Iterator[str]:
    with closing(sqlite3.connect(home / "data" / "app.db")) as app:
        for customer, amount, paid in app.execute(
            "SELECT customer, amount, paid FROM invoices ORDER BY customer"
        ):
            yield f"customer {customer}: {amount:,.2f}{', paid' if paid else ''}"
