"""How a PostgreSQL table is locked without holding anybody up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors

from nomaflow.connectors.copies import TableLocked

_PATIENCE = "SELECT setting::int * 3 FROM pg_settings WHERE name = 'deadlock_timeout'"


def send_maintenance_away(connection: psycopg.Connection[Any], table: str) -> None:
    """The server ends an autovacuum for whoever waits long enough; no reader waits for this.

    It stays away until the open transaction ends. Raises TableLocked.
    """
    found = connection.execute(_PATIENCE).fetchone()
    patience = found[0] if found else 0
    lock = f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE"
    with lock_errors():
        connection.execute(f"SET LOCAL lock_timeout = {patience}; {lock}".encode())


@contextmanager
def lock_errors() -> Iterator[None]:
    """Turn a lock that was not given in time into TableLocked."""
    try:
        yield
    except errors.LockNotAvailable as error:
        raise TableLocked(str(error)) from None
