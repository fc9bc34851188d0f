"""An upsert into PostgreSQL: few rows through the table's index, many by one pass over the table.

`INSERT … ON CONFLICT` looks each row up in the index. MERGE lets the server choose, and it joins
many rows with the whole table, which is quicker where the table is larger than the memory.
"""

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from nomaflow.connectors.copies import Target
from nomaflow.connectors.dialects.on_conflict import inserting, updating
from nomaflow.connectors.dialects.postgresql.expressions import quote
from nomaflow.connectors.tables import Kind, Table

_HAS_MERGE: Final = 150_000
_MANY: Final = 0.05
UNCOMPARABLE: Final = frozenset({Kind.JSON, Kind.NATIVE})
_ARE_MANY = """
SELECT t.reltuples > 0 AND s.reltuples >= t.reltuples * $1::float8
FROM pg_class s, pg_class t
WHERE s.oid = $2::text::regclass AND t.oid = $3::text::regclass
"""


def upsert(
    target: Target,
    connection: psycopg.Connection[Any],
    stash: str,
    table: Table,
    key: Sequence[str],
    columns: Sequence[str],
) -> int:
    """Returns how many rows were inserted or updated.

    A key that another session inserts meanwhile stops a MERGE, not an ON CONFLICT; nor does MERGE
    go into a table with rules.
    """
    others = [name for name in columns if name not in key]
    if _takes_many(target, connection, stash, table):
        try:
            with connection.transaction():
                return target.execute(_merge(target, stash, table, key, columns))
        except (psycopg.errors.UniqueViolation, psycopg.errors.FeatureNotSupported):
            pass
    insert = inserting(target, stash, table, key, columns)
    return target.execute(
        f"{insert} {updating(target, others, _differ(table, others, 'excluded'))}"
    )


def _takes_many(
    target: Target, connection: psycopg.Connection[Any], stash: str, table: Table
) -> bool:
    """By the statistics of both; without any they are few."""
    if connection.info.server_version < _HAS_MERGE:
        return False
    return target.row(_ARE_MANY, [_MANY, stash, target.reference(table.name)]) == (True,)


def _merge(
    target: Target, stash: str, table: Table, key: Sequence[str], columns: Sequence[str]
) -> str:
    same = " AND ".join(f"t.{quote(name)} = s.{quote(name)}" for name in key)
    names = ", ".join(map(quote, columns))
    values = ", ".join(f"s.{quote(name)}" for name in columns)
    others = [name for name in columns if name not in key]
    new = ", ".join(f"{quote(name)} = s.{quote(name)}" for name in others)
    update = f"WHEN MATCHED AND {_differ(table, others, 's')} THEN UPDATE SET {new}"
    return (
        f"MERGE INTO {target.reference(table.name)} AS t USING {stash} AS s ON {same}"  # noqa: S608 - quoted
        f" {update if others else ''}"
        f" WHEN NOT MATCHED THEN INSERT ({names}) OVERRIDING SYSTEM VALUE VALUES ({values})"
    )


def _differ(table: Table, columns: Sequence[str], new: str) -> str:
    """An SQL condition: the row of `t` is not the same as that of `new` in these columns."""
    kinds = {column.name: column.type.kind for column in table.columns}
    casts = {name: "::text" if kinds[name] in UNCOMPARABLE else "" for name in columns}
    ours = ", ".join(f"t.{quote(name)}{cast}" for name, cast in casts.items())
    theirs = ", ".join(f"{new}.{quote(name)}{cast}" for name, cast in casts.items())
    return f"({ours}) IS DISTINCT FROM ({theirs})"
