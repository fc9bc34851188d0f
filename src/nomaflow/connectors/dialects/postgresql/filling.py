"""A stash is filled with COPY."""

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import RawCursor, errors

from nomaflow.connectors.dialects.postgresql.exact import refusals
from nomaflow.connectors.dialects.postgresql.stash import LOCK_TIMEOUT_MS


def fill(
    connection: psycopg.Connection[Any],
    into: str,
    chunks: Iterator[bytes],
    *,
    frozen: str | None,
    form: str = "binary",
) -> tuple[int, int]:
    """Write the stream `into` a stash and its columns; returns its bytes, and the rows stored.

    `frozen`: the stash, if it is empty and nobody else fills it. Its rows are then stored as
    VACUUM would leave them, so that it need not rewrite a table that has just been written.
    """
    cursor = RawCursor(connection)
    size = 0
    with refusals(), connection.transaction():
        freeze = ", FREEZE" if frozen and _begun_anew(connection, frozen) else ""
        with cursor.copy(f"COPY {into} FROM STDIN (FORMAT {form}{freeze})") as copy:
            for chunk in chunks:
                copy.write(chunk)
                size += len(chunk)
    return size, cursor.rowcount


def _begun_anew(connection: psycopg.Connection[Any], stash: str) -> bool:
    """Rows may be frozen in the transaction that began the file of their table.

    False when others hold it, such as pg_dump, which holds every table.
    """
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}".encode())
            connection.execute(f"TRUNCATE {stash}".encode())
    except errors.LockNotAvailable:
        return False
    return True
