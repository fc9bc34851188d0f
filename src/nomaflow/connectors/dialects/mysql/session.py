"""What a session of a copy needs of the server, and how its statement is stopped."""

from contextlib import suppress
from typing import Any

import pymysql
from pymysql.constants import ER

from nomaflow.connectors.dialects.mysql.beside import beside
from nomaflow.connectors.dialects.mysql.catalogue import Connection, fetch

# The mode is the same whatever the server says: quotes are of texts, backslashes escape, and no
# value is padded or replaced. A reader may wait for a slow target for an hour.
_READING = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00',"
    " sql_select_limit = 18446744073709551615, net_write_timeout = 3600",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)


_WRITING = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', sql_notes = 1,"
    " net_read_timeout = 3600, net_write_timeout = 3600, wait_timeout = 86400",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
)


def open_snapshot(connection: Connection) -> None:
    """Rows of one instant, from tables whose engine has snapshots."""
    with connection.cursor() as cursor:
        for statement in _READING:
            cursor.execute(statement)


def begin_filling(connection: Connection) -> None:
    """Values that do not fit are errors, and a slow source does not end the connection."""
    connection.rollback()
    connection.autocommit(value=True)
    for statement in _WRITING:
        fetch(connection, statement)


def kill_query(busy: Any) -> None:
    """Stop what the connection runs, over a second one made like it; it may have ended already."""
    with beside(busy) as killer, killer.cursor() as cursor:
        try:
            cursor.execute(f"KILL QUERY {int(busy.thread_id())}")
        except pymysql.OperationalError as error:
            if error.args[0] != ER.NO_SUCH_THREAD:
                raise


def stop_sending(busy: Any) -> None:
    """As `kill_query`; where that is not possible the connection is closed."""
    try:
        kill_query(busy)
    except (pymysql.MySQLError, OSError):
        with suppress(pymysql.MySQLError, OSError):
            busy.close()
