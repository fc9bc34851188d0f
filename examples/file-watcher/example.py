"""Two files in the inbox, and a third that arrives after the first run."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

LOAD = ("run", "load-sales", "--wait")
COMMANDS = (LOAD, LOAD)


def prepare(home: Path) -> None:
    inbox = home / "inbox"
    inbox.mkdir()
    for shop in ("lyon", "nantes"):
        lines = [f"{shop},2026-11-{day:02},{day * 10}.25" for day in range(1, 21)]
        (inbox / f"{shop}.csv").write_text("\n".join(["shop,sold_on,amount", *lines, ""]))


def outcome(home: Path) -> Iterator[str]:
    with closing(sqlite3.connect(home / "data" / "reporting.db")) as reporting:
        for shop, rows, amount in reporting.execute(
            "SELECT shop, count(*), sum(amount) FROM sales GROUP BY shop"
        ):
            yield f"{shop}: {rows} sales, {amount:,.2f}"
    yield f"In the archive: {', '.join(sorted(file.name for file in (home / 'archive').iterdir()))}"
    yield f"In the inbox: {len(list((home / 'inbox').iterdir()))} files"
