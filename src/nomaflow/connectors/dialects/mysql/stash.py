"""Where a MySQL table's stash lives, and how those of dead copies are found.

A digest of the table's name is part of its stash's name, and of the lock that its copy holds for
as long as its session lives. So a stash whose lock is free is of a copy that died.
"""

from hashlib import sha256
from secrets import token_hex
from typing import Final

import pymysql

from nomaflow.connectors.dialects.mysql.catalogue import Connection, fetch
from nomaflow.connectors.dialects.mysql.source import reference
from nomaflow.connectors.dialects.mysql.waiting import LOCK_ERRORS, briefly
from nomaflow.connectors.tables import TableName

_STASH: Final = "nomaflow_stash_"
_OUTGOING: Final = "nomaflow_outgoing_"
_DIGEST_LENGTH: Final = 16
_LEFT: Final = """
SELECT TABLE_NAME FROM information_schema.TABLES
WHERE TABLE_SCHEMA = %s AND TABLE_NAME REGEXP '^nomaflow_(stash|outgoing)_[0-9a-f]{16}_[0-9a-f]{8}$'
"""
_FOR_EVER_SECONDS: Final = 1_000_000
_INTERRUPTED: Final = 1317


def new_stash(table: TableName) -> TableName:
    """A name that no table has, beside the table."""
    return TableName(f"{_STASH}{_digest(table)}_{token_hex(4)}", table.schema)


def outgoing(stash: TableName) -> TableName:
    """What the old table is called between its replacement and its end."""
    return TableName(f"{_OUTGOING}{stash.table.removeprefix(_STASH)}", stash.schema)


def hold(connection: Connection, table: TableName) -> None:
    """Keep other copies into the table waiting until the session ends."""
    held = fetch(connection, "SELECT GET_LOCK(%s, %s)", [_lock(_digest(table)), _FOR_EVER_SECONDS])
    if held != [(1,)]:
        raise pymysql.OperationalError(_INTERRUPTED, "The wait for another copy was interrupted")


def remove_leftovers(connection: Connection, schema: str | None) -> None:
    """Drop the stashes of a database whose copies are dead."""
    for (name,) in fetch(connection, _LEFT, [schema]):
        lock = _lock(name.split("_")[2])
        if fetch(connection, "SELECT GET_LOCK(%s, 0)", [lock]) == [(1,)]:
            drop(connection, TableName(name, schema))
            fetch(connection, "SELECT RELEASE_LOCK(%s)", [lock])


def drop(connection: Connection, table: TableName) -> bool:
    """False when others hold it."""
    try:
        briefly(connection, f"DROP TABLE IF EXISTS {reference(table)}")
    except pymysql.MySQLError as error:
        if error.args[0] in LOCK_ERRORS:
            return False
        raise
    return True


def _digest(table: TableName) -> str:
    return sha256(str(table).lower().encode()).hexdigest()[:_DIGEST_LENGTH]


def _lock(digest: str) -> str:
    return f"nomaflow copy {digest}"
