"""MySQL and MariaDB, through PyMySQL (the extra `mysql`)."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import Any

from sqlalchemy import Engine, create_engine, make_url

from nomaflow.connectors.base import ResolvedPool
from nomaflow.connectors.copies import Source, Target
from nomaflow.connectors.dialects.base import Answer, Failure, answer_of, causes, driver_connection
from nomaflow.connectors.mirrors import Mirror
from nomaflow.connectors.statement import Statement
from nomaflow.errors import NotFound

_UNREACHABLE = frozenset({1040, 1053, 1203, 2002, 2003, 2006, 2013, 2055})


class MysqlDialect:
    """A server whose DDL commits by itself."""

    name = "mysql"
    schemes = frozenset({"mysql", "mariadb"})

    def engine(self, pool: ResolvedPool) -> Engine:
        """Connections are tested before use and speak utf8mb4 and UTC."""
        if find_spec("pymysql") is None:
            raise NotFound(
                f"Pool '{pool.name}' needs the MySQL driver. Install it with: "
                "pip install 'nomaflow[mysql]'"
            )
        from pymysql.constants import CLIENT  # only where it is installed

        url = make_url(pool.url).set(drivername="mysql+pymysql")
        if pool.password is not None:
            url = url.set(password=pool.password.reveal())
        arguments = {
            "connect_timeout": max(1, round(pool.connect_timeout_seconds)),
            "charset": "utf8mb4",
            "client_flag": CLIENT.FOUND_ROWS | CLIENT.LOCAL_FILES,
            "init_command": "SET SESSION time_zone = '+00:00'",
        }
        return create_engine(
            url, connect_args=arguments, pool_size=pool.size, max_overflow=0, pool_pre_ping=True
        )

    def autocommit(self, connection: Any, *, enabled: bool) -> None:
        """Tell the server, once."""
        driver_connection(connection).autocommit(enabled)

    def run(self, connection: Any, statement: Statement, values: Mapping[str, Any]) -> Answer:
        """Through an unbuffered cursor; further results of a procedure are read and dropped."""
        from pymysql.cursors import SSCursor  # only where it is installed

        names, text = statement.rendered(lambda _: "%s", escape=lambda sql: sql.replace("%", "%%"))
        cursor = driver_connection(connection).cursor(SSCursor)
        cursor.execute(text, tuple(values[name] for name in names))
        return replace(answer_of(cursor), close=partial(_read_to_the_end, cursor))

    def cancel(self, connection: Any) -> None:
        """KILL QUERY, over a second connection."""
        from nomaflow.connectors.dialects.mysql.session import kill_query

        kill_query(driver_connection(connection))

    def source(self, connection: Any) -> Source:
        """Reads tables."""
        from nomaflow.connectors.dialects.mysql.source import MysqlSource

        return MysqlSource(connection)

    def target(self, connection: Any) -> Target:
        """Fills tables."""
        from nomaflow.connectors.dialects.mysql.target import MysqlTarget  # needs the driver

        return MysqlTarget(driver_connection(connection))

    def mirror(self, connection: Any) -> Mirror:
        """Brings tables in line with a list."""
        from nomaflow.connectors.dialects.mysql.mirror import MysqlMirror  # needs the driver

        return MysqlMirror(driver_connection(connection))

    def emptying(self, table: str) -> str:
        return f"TRUNCATE TABLE {table}"

    def failure(self, error: BaseException) -> Failure:
        """The server's message; a lost or refused connection is unreachable."""
        from pymysql import MySQLError  # only where it is installed

        for cause in causes(error):
            if isinstance(cause, MySQLError) and len(cause.args) > 1:
                return Failure(str(cause.args[1]), cause.args[0] in _UNREACHABLE)
        return Failure(str(error))


def _read_to_the_end(cursor: Any) -> None:
    """The connection takes no other statement before every result of this one was read."""
    more = True
    while more:
        for _ in iter(cursor.fetchone, None):
            pass
        more = cursor.nextset()
    cursor.close()


DIALECT = MysqlDialect()
