"""What a session of a copy needs of the server, and how its statement is stopped."""

from contextlib import suppress
from typing import Any

import pymysql
from pymysql.constants import CLIENT

from nomaflow.connectors.dialects.mysql.catalogue import Connection

_CONNECT_TIMEOUT_SECONDS = 3
# The mode is the same whatever the server says: quotes are of texts, backslashes escape, and no
# value is padded or replaced. A reader may wait for a slow target for an hour.
_READING = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00',"
    " sql_select_limit = 18446744073709551615, net_write_timeout = 3600",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)


def open_snapshot(connection: Connection) -> None:
    """Rows of one instant, from tables whose engine has snapshots."""
    with connection.cursor() as cursor:
        for statement in _READING:
            cursor.execute(statement)


def kill_query(busy: Any) -> None:
    """Stop what the connection runs, over a second one made like it."""
    with (
        pymysql.connect(
            host=busy.host,
            port=busy.port,
            user=busy.user,
            password=busy.password,
            unix_socket=busy.unix_socket,
            ssl=busy.ctx if busy.client_flag & CLIENT.SSL else None,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        ) as killer,
        killer.cursor() as cursor,
    ):
        cursor.execute(f"KILL QUERY {int(busy.thread_id())}")


def stop_sending(busy: Any) -> None:
    """As `kill_query`; where that is not possible the connection is closed."""
    try:
        kill_query(busy)
    except (pymysql.MySQLError, OSError):
        with suppress(pymysql.MySQLError, OSError):
            busy.close()
