"""Where a PostgreSQL table's stash lives, and how those of dead copies are found.

A stash is a table that every session may fill. Its copy holds a lock of its session for as long
as it lives, so a stash whose lock is free is of a copy that died.
"""

from hashlib import sha256
from secrets import token_hex
from typing import Any, Final

import psycopg
from psycopg import RawCursor, errors

from nomaflow.connectors.dialects.postgresql.source import reference
from nomaflow.connectors.tables import TableName

PREFIX = "nomaflow_stash_"
LOCK_TIMEOUT_MS: Final = 100
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


def new_stash(table: TableName) -> TableName:
    """A name that no table has, in the table's schema."""
    digest = sha256(str(table).encode()).hexdigest()[:12]
    return TableName(f"{PREFIX}{digest}_{token_hex(4)}", table.schema)


def mark(connection: psycopg.Connection[Any], stash: TableName, table: TableName) -> None:
    """Write on a stash whose it is."""
    text = (_MARK + str(table)).replace("'", "''")
    connection.execute(f"COMMENT ON TABLE {reference(stash)} IS '{text}'".encode())


def hold(connection: psycopg.Connection[Any], table: TableName) -> None:
    """Keep other copies into the table waiting until the session ends."""
    RawCursor(connection).execute(_LOCK, [_key(str(table))])


def remove_leftovers(connection: psycopg.Connection[Any], schema: str | None) -> None:
    """Drop the stashes of a schema whose copies are dead."""
    cursor = RawCursor(connection)
    for name, text in cursor.execute(_LEFT, [schema, PREFIX, _MARK]).fetchall():
        key = _key(text.removeprefix(_MARK))
        if cursor.execute(_TRY_LOCK, [key]).fetchone() == (True,):
            drop_or_empty(connection, TableName(name, schema))
            cursor.execute(_UNLOCK, [key])


def drop_or_empty(connection: psycopg.Connection[Any], stash: TableName) -> None:
    """Drop it; if others hold a table that its foreign keys refer to, only empty it.

    It is a leftover then, and does not stand in anybody's way.
    """
    if not drop(connection, stash):
        connection.execute(f"TRUNCATE {reference(stash)}".encode())


def drop(connection: psycopg.Connection[Any], table: TableName) -> bool:
    """False when others hold it, or what its foreign keys refer to."""
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}".encode())
            connection.execute(f"DROP TABLE IF EXISTS {reference(table)}".encode())
    except errors.LockNotAvailable:
        return False
    return True


def _key(table: str) -> str:
    return f"nomaflow copy into {table}"
