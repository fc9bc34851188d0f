"""How long a statement waits for what others hold, and what the server says then."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pymysql

from nomaflow.connectors.copies import TableLocked
from nomaflow.connectors.dialects.mysql.catalogue import Connection, is_mariadb

_PATIENCE_SECONDS: Final = 0.1
_RETRY_TRANSACTION: Final = 1412  # a table is younger than the transaction's snapshot
LOCK_ERRORS: Final = frozenset({1205, 1213, 1969, 3572, _RETRY_TRANSACTION})


def briefly(connection: Connection, definition: str) -> None:
    """Change a table's definition; give up early, because readers queue up behind the wait.

    MariaDB counts tenths of a second, MySQL whole ones.
    """
    with connection.cursor() as cursor:
        if is_mariadb(connection):
            patience = f"max_statement_time = {_PATIENCE_SECONDS}"
            cursor.execute(f"SET STATEMENT {patience} FOR {definition}")
            return
        cursor.execute("SET SESSION lock_wait_timeout = 1")
        try:
            cursor.execute(definition)
        finally:
            cursor.execute("SET SESSION lock_wait_timeout = DEFAULT")


@contextmanager
def lock_errors() -> Iterator[None]:
    """Turn a lock that was not given in time into TableLocked."""
    try:
        yield
    except pymysql.MySQLError as error:
        if error.args and error.args[0] in LOCK_ERRORS:
            raise TableLocked(str(error.args[-1])) from None
        raise


def lock_out_writers(connection: Connection, table: str) -> None:
    """Lock every row and every gap for the open transaction; readers go on. Raises TableLocked."""
    with lock_errors(), connection.cursor() as cursor:
        cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
        try:
            cursor.execute(f"SELECT count(*) FROM {table} FOR UPDATE")  # noqa: S608 - quoted
        finally:
            cursor.execute("SET SESSION innodb_lock_wait_timeout = DEFAULT")
