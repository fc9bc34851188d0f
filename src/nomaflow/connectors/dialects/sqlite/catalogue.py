"""What SQLite says about its tables."""

import sqlite3
from collections.abc import Hashable
from pathlib import Path

from nomaflow.connectors.dialects.sqlite.types import column_type
from nomaflow.connectors.tables import Column, Table, TableName
from nomaflow.errors import StepRefused

_GENERATED = frozenset({2, 3})


def quote(name: str) -> str:
    """An identifier as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'


def home(name: TableName) -> TableName:
    """The name without a schema. Raises StepRefused for any but `main`."""
    if name.schema not in {None, "main"}:
        raise StepRefused(
            f"SQLite has no schema '{name.schema}': leave `schema` out for table '{name.table}'."
        )
    return TableName(name.table)


def table(connection: sqlite3.Connection, name: TableName) -> Table | None:
    """Facts of a table or view."""
    wanted = home(name).table
    found = connection.execute(
        "SELECT name, type FROM main.sqlite_master"
        " WHERE type IN ('table', 'view') AND lower(name) = lower(?)",
        [wanted],
    ).fetchone()
    if found is None:
        return None
    true_name, kind = found
    information = connection.execute(
        "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?, 'main')"
        " WHERE hidden <> 1",
        [true_name],
    ).fetchall()
    key = tuple(row[0] for row in sorted(information, key=lambda row: row[4]) if row[4])
    row_id = key[0] if [row[1].upper() for row in information if row[4]] == ["INTEGER"] else None
    return Table(
        name=TableName(true_name),
        columns=[
            _column(name, declared, required, default, hidden, is_row_id=name == row_id)
            for name, declared, required, default, _, hidden in information
        ],
        primary_key=key,
        unique_keys=_unique_keys(connection, true_name),
        writable=kind == "table",
        identity=(_database(connection), true_name.lower()),
    )


def _column(
    name: str, declared: str, not_null: int, default: str | None, hidden: int, *, is_row_id: bool
) -> Column:
    return Column(
        name=name,
        type=column_type(declared),
        nullable=not (not_null or is_row_id),
        generated=hidden in _GENERATED,
        optional=not not_null or default is not None or is_row_id,
    )


def view_columns(connection: sqlite3.Connection, view: str) -> list[Column]:
    """The columns of a temporary view; an expression has no declared type."""
    rows = connection.execute(
        "SELECT name, type FROM pragma_table_info(?, 'temp')", [view]
    ).fetchall()
    return [Column(name, column_type(declared)) for name, declared in rows]


def _unique_keys(connection: sqlite3.Connection, name: str) -> tuple[tuple[str, ...], ...]:
    indexes = connection.execute(
        "SELECT name FROM pragma_index_list(?, 'main')"
        " WHERE \"unique\" = 1 AND origin <> 'pk' AND partial = 0 ORDER BY seq",
        [name],
    ).fetchall()
    keys = (_indexed(connection, index) for (index,) in indexes)
    return tuple(key for key in keys if None not in key)


def _indexed(connection: sqlite3.Connection, index: str) -> tuple[str, ...]:
    """The columns of an index; None stands for an expression."""
    rows = connection.execute(
        "SELECT name FROM pragma_index_info(?, 'main') ORDER BY seqno", [index]
    ).fetchall()
    return tuple(name for (name,) in rows)


def file_of(connection: sqlite3.Connection) -> str:
    """The path of the database; empty when it is in memory."""
    sql = "SELECT file FROM pragma_database_list WHERE name = 'main'"
    return str(connection.execute(sql).fetchone()[0] or "")


def _database(connection: sqlite3.Connection) -> Hashable:
    """The same for two paths of one file; of its own for a database in memory."""
    file = file_of(connection)
    if not file:
        return ("sqlite", id(connection))
    status = Path(file).stat()
    return ("sqlite", status.st_dev, status.st_ino)
