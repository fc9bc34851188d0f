"""Loads the data set into the demo's "operational" SQLite database."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from nomaflow.cli.demo.dataset import open_table

TABLES = ("airlines", "airports", "planes", "weather", "flights")
MISSING = "NA"

Value = str | int | float
Reader = Callable[[str], Value]
Loaded = Callable[[str, int], None]


def load(database: Path, loaded: Loaded) -> None:
    """Make the database with all its tables; `loaded(table, rows)` is called after each.

    It is built aside and moved into place, so that a load which was cut short leaves nothing.
    Raises NotFound when the data set is not installed.
    """
    aside = database.with_name(f"{database.name}.loading")
    aside.unlink(missing_ok=True)
    with closing(sqlite3.connect(aside)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_schema())
        for table in TABLES:
            loaded(table, _fill(connection, table))
    aside.replace(database)


def _schema() -> str:
    return files("nomaflow.cli.demo").joinpath("operational.sql").read_text(encoding="utf-8")


def _fill(connection: sqlite3.Connection, table: str) -> int:
    with open_table(table) as lines, connection:
        header = next(lines)
        readers = _readers(connection, table)
        marks = ", ".join("?" * len(header))
        insert = f"INSERT INTO {table} ({', '.join(header)}) VALUES ({marks})"  # noqa: S608  # names of our own data set
        return connection.executemany(
            insert, _rows(lines, [readers[name] for name in header])
        ).rowcount


def _rows(lines: Iterator[list[str]], readers: Sequence[Reader]) -> Iterator[list[Value | None]]:
    for line in lines:
        cells = zip(readers, line, strict=True)
        yield [None if text == MISSING else read(text) for read, text in cells]


def _readers(connection: sqlite3.Connection, table: str) -> dict[str, Reader]:
    """Per column, what makes a value of its declared type from the text of the file."""
    columns = connection.execute("SELECT name, type FROM pragma_table_info(?)", [table])
    return {name: READERS.get(declared, str) for name, declared in columns}


def _instant(text: str) -> str:
    """From `2013-01-01T10:00:00Z`, which is UTC, to `2013-01-01 10:00:00`."""
    return text.removesuffix("Z").replace("T", " ")


READERS: dict[str, Reader] = {
    "SMALLINT": int,
    "INTEGER": int,
    "DOUBLE PRECISION": float,
    "TIMESTAMP": _instant,
}
