"""Changed rows into a table ten times as large: our step, the same again, and row by row."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from time import perf_counter
from typing import Any

import psycopg

from bench.copy.compare import OUTPUT, our_step
from bench.copy.databases import run_sql
from bench.copy.pairs import PAIRS
from bench.copy.site import Site, site
from bench.copy.tables import orders
from bench.figure import Figure

NAME = "upsert"
SHARE = 10
PAIR = replace(PAIRS["pg-pg orders"], name=NAME, fields='mode = "upsert"')
CHANGE = "UPDATE orders SET amount = amount + 1"
ONE_ROW = """
INSERT INTO copied VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET amount = excluded.amount, note = excluded.note
"""


def upserts(rows: int) -> Iterator[Figure]:
    with site(PAIR, rows // SHARE) as place:
        run_sql(place.target, [orders(rows).fill.replace("orders", "copied"), "ANALYZE copied"])
        run_sql(place.source, [CHANGE])
        ours = place.rows / our_step(place).wall
        told = f"{place.rows:,} changed rows into {rows:,}"
        yield Figure("upsert: our step", ours, "rows/s", told)
        changed = changes(place)
        yield Figure("upsert: rows changed", changed, "rows", told, f"= {place.rows}")
        our_step(place)
        yield Figure("upsert: rows changed by the same again", changes(place), "rows", told, "= 0")
        told = (
            f"one INSERT … ON CONFLICT a row, one transaction, {place.rows // SHARE:,} rows; once"
        )
        yield Figure("upsert: speed against row by row", ours / by_row(place), "x", told, "≥ 5")


def changes(place: Site) -> int:
    output = json.loads(place.nomaflow.rows(OUTPUT)[0][0])
    return int(output["inserted"] + output["updated"])


def by_row(place: Site) -> float:
    """Rows per second; each is changed once more."""
    number = place.rows // SHARE
    with (
        closing(psycopg.connect(place.source)) as read,
        closing(psycopg.connect(place.target)) as write,
    ):
        found: list[Any] = read.execute("SELECT * FROM orders LIMIT %s", [number]).fetchall()
        began = perf_counter()
        for row in found:
            write.execute(ONE_ROW, (*row[:6], row[6] + 1, *row[7:]))
        write.commit()
        return number / (perf_counter() - began)
