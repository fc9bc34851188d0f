"""Where a PostgreSQL table's stash lives, and how those of dead copies are found.

A stash is a table that every session may fill. Its copy holds a lock of its session for as long
as it lives, so a stash whose lock is free is of a copy that died.
"""

from hashlib import sha256
from typing import Any

import psycopg
from psycopg import RawCursor

from nomaflow.connectors.dialects.postgresql.source import reference
from nomaflow.connectors.tables import TableName

PREFIX = "nomaflow_stash_"
_MARK = "nomaflow: rows on their way into "
_LOCK = "SELECT pg_advisory_lock(hashtextextended($1, 0))"
_TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended($1, 0))"
_LEFT = """
SELECT c.relname, obj_description(c.oid, 'pg_class')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND starts_with(c.relname, $2) AND c.relkind = 'r'
  AND starts_with(obj_description(c.oid, 'pg_class'), $3) AND pg_has_role(c.relowner, 'USAGE')
"""


def stash_name(table: TableName) -> TableName:
    """The same for every copy into that table, and for no other's."""
    digest = sha256(str(table).encode()).hexdigest()[:16]
    return TableName(f"{PREFIX}{digest}", table.schema)


def mark(connection: psycopg.Connection[Any], table: TableName) -> None:
    """Write on a stash whose it is."""
    text = (_MARK + str(table)).replace("'", "''")
    connection.execute(f"COMMENT ON TABLE {reference(stash_name(table))} IS '{text}'".encode())


def hold(connection: psycopg.Connection[Any], table: TableName) -> None:
    """Keep other copies into the table waiting until the session ends."""
    RawCursor(connection).execute(_LOCK, [_key(str(table))])


def remove_leftovers(connection: psycopg.Connection[Any], schema: str | None) -> None:
    """Drop the stashes of a schema whose copies are dead."""
    cursor = RawCursor(connection)
    for name, text in cursor.execute(_LEFT, [schema, PREFIX, _MARK]).fetchall():
        key = _key(text.removeprefix(_MARK))
        if cursor.execute(_TRY_LOCK, [key]).fetchone() == (True,):
            drop(connection, TableName(name, schema))
            cursor.execute(_UNLOCK, [key])


def drop(connection: psycopg.Connection[Any], stash: TableName) -> None:
    connection.execute(f"DROP TABLE IF EXISTS {reference(stash)}".encode())


def _key(table: str) -> str:
    return f"nomaflow copy into {table}"
