"""A second connection, made like another one."""

from typing import Any

import pymysql
from pymysql.constants import CLIENT

_CONNECT_SECONDS = 3


def beside(busy: Any) -> "pymysql.connections.Connection[Any]":
    """For what the other one cannot do meanwhile; each statement is a transaction of its own."""
    return pymysql.connect(
        host=busy.host,
        port=busy.port,
        user=busy.user,
        password=busy.password,
        unix_socket=busy.unix_socket,
        ssl=busy.ctx if busy.client_flag & CLIENT.SSL else None,
        connect_timeout=_CONNECT_SECONDS,
        charset="utf8mb4",
        autocommit=True,
    )
