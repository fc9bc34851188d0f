"""Changed rows into a table ten times as large: our step, the same again, and row by row."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from time import perf_counter
from typing import Any

import psycopg

from bench.copy.compare import OUTPUT, our_step
from bench.copy.databases import as_text, kind, make_in_postgresql, opened, run_sql
from bench.copy.pairs import PAIRS, Pair
from bench.copy.site import FROM_ORIGIN, Site, site
from bench.copy.tables import orders
from bench.figure import Figure

SHARE = 10
UPSERTS = {
    pair.name: pair
    for pair in (
        replace(PAIRS["pg-pg orders"], name="upsert", fields='mode = "upsert"'),
        replace(PAIRS["pg-mariadb orders"], name="upsert mariadb", fields='mode = "upsert"'),
        replace(PAIRS["pg-sqlite orders"], name="upsert sqlite", fields='mode = "upsert"'),
    )
}
CHANGE = "UPDATE orders SET amount = amount + 1"
ON_CONFLICT = """
INSERT INTO copied VALUES ({places})
ON CONFLICT (id) DO UPDATE SET amount = excluded.amount, note = excluded.note
"""
ON_DUPLICATE = """
INSERT INTO copied VALUES ({places})
ON DUPLICATE KEY UPDATE amount = VALUES(amount), note = VALUES(note)
"""
ONE_ROW = {
    "postgresql": ON_CONFLICT.format(places=", ".join(["%s"] * 12)),
    "sqlite": ON_CONFLICT.format(places=", ".join("?" * 12)),
    "mysql": ON_DUPLICATE.format(places=", ".join(["%s"] * 12)),
}


def upserts(pair: Pair, rows: int) -> Iterator[Figure]:
    with site(pair, rows // SHARE) as place:
        fill(place, rows)
        our_step(place)  # nothing is new yet: the process is warm behind it
        run_sql(place.source, [CHANGE])
        ours = place.rows / our_step(place).wall
        told = f"{place.rows:,} changed rows into {rows:,}"
        yield Figure(f"{pair.name}: our step", ours, "rows/s", told)
        changed = changes(place)
        yield Figure(f"{pair.name}: rows changed", changed, "rows", told, f"= {place.rows}")
        our_step(place)
        again = f"{pair.name}: rows changed by the same again"
        yield Figure(again, changes(place), "rows", told, "= 0")
        told = f"one INSERT … a row, one transaction, {place.rows // SHARE:,} rows; once"
        against = f"{pair.name}: speed against row by row"
        wanted = "≥ 5" if kind(place.target) == "postgresql" else ""
        yield Figure(against, ours / by_row(place), "x", told, wanted)


def fill(place: Site, rows: int) -> None:
    """The table that is upserted into, with its key and indexes."""
    made = orders(rows)
    full = replace(made, name="copied", fill=made.fill.replace("orders", "copied"))
    where = kind(place.target)
    if where == "postgresql":
        run_sql(place.target, [full.fill, "ANALYZE copied"])
        return
    make_in_postgresql(place.source, full)
    run_sql(place.target, ["DROP TABLE copied"])
    FROM_ORIGIN[where](place.target, place.source, full)
    run_sql(place.target, full.index("copied"))


def changes(place: Site) -> int:
    output = json.loads(place.nomaflow.rows(OUTPUT)[0][0])
    return int(output["inserted"] + output["updated"])


def by_row(place: Site) -> float:
    """Rows per second; each is changed once more."""
    number, where = place.rows // SHARE, kind(place.target)
    is_same = where == "postgresql"
    query = "SELECT * FROM orders" if is_same else as_text(place.subject, offset="")
    with (
        closing(psycopg.connect(place.source)) as read,
        closing(opened(place.target)) as write,
        closing(write.cursor()) as cursor,
    ):
        found: list[Any] = read.execute(f"{query} LIMIT {number}".encode()).fetchall()
        rows = [tuple(map(plain, (*row[:6], row[6] + 1, *row[7:]))) for row in found]
        began = perf_counter()
        cursor.execute("BEGIN")
        for row in rows:
            cursor.execute(ONE_ROW[where], row)
        cursor.execute("COMMIT")
        return number / (perf_counter() - began)


def plain(value: Any) -> Any:
    """As every driver takes it."""
    return value if value is None or isinstance(value, bool | int | float) else str(value)
