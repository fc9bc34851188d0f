"""An upsert in one statement, as PostgreSQL and SQLite write it."""

from collections.abc import Sequence

from nomaflow.connectors.copies import Target
from nomaflow.connectors.tables import Table


def inserting(
    target: Target, stash: str, table: Table, key: Sequence[str], columns: Sequence[str]
) -> str:
    """The statement up to what is done about a row whose key is known."""
    names = ", ".join(target.quote(name) for name in columns)
    conflict = ", ".join(target.quote(name) for name in key)
    head = target.insert_into(table, columns)
    return f"{head} SELECT {names} FROM {stash} WHERE true ON CONFLICT ({conflict})"  # noqa: S608 - quoted


def updating(target: Target, columns: Sequence[str], differs: str) -> str:
    """What is done then: these columns become the new row's where `differs` holds."""
    if not columns:
        return "DO NOTHING"
    new = ", ".join(f"{target.quote(name)} = excluded.{target.quote(name)}" for name in columns)
    return f"DO UPDATE SET {new} WHERE {differs}"
