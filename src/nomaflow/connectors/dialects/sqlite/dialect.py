"""SQLite, through the standard library's driver."""

import sqlite3
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url

from nomaflow.connectors.base import ResolvedPool
from nomaflow.connectors.copies import Source, Target
from nomaflow.connectors.dialects.base import Answer, Failure, answer_of, causes, driver_connection
from nomaflow.connectors.dialects.sqlite.mirror import SqliteMirror
from nomaflow.connectors.dialects.sqlite.source import SqliteSource
from nomaflow.connectors.dialects.sqlite.target import SqliteTarget
from nomaflow.connectors.mirrors import Mirror
from nomaflow.connectors.statement import Statement

_BUSY_TIMEOUT_SECONDS = 30
_UNREACHABLE = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR}
)


class SqliteDialect:
    """One file, one writer at a time; a value may be of another type than its column."""

    name = "sqlite"
    schemes = frozenset({"sqlite"})

    def engine(self, pool: ResolvedPool) -> Engine:
        """Connections that may change threads, and whose transactions hold DDL too."""
        url = make_url(pool.url).set(drivername="sqlite+pysqlite")
        arguments = {"timeout": _BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
        sizes = (
            {}
            if url.database in {None, "", ":memory:"}
            else {"pool_size": pool.size, "max_overflow": 0}
        )
        engine = create_engine(url, connect_args=arguments, **sizes)
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", _begin)
        return engine

    def autocommit(self, connection: Any, *, enabled: bool) -> None:
        """Nothing to do: the driver begins no transaction unless one is asked for."""

    def run(self, connection: Any, statement: Statement, values: Mapping[str, Any]) -> Answer:
        """SQLite steps from row to row."""
        names, text = statement.rendered(lambda _: "?")
        cursor = driver_connection(connection).cursor()
        return answer_of(cursor.execute(text, [_bindable(values[name]) for name in names]))

    def cancel(self, connection: Any) -> None:
        """Interrupt the running statement."""
        driver_connection(connection).interrupt()

    def source(self, connection: Any) -> Source:
        """Reads tables."""
        return SqliteSource(connection)

    def target(self, connection: Any) -> Target:
        """Fills tables."""
        return SqliteTarget(connection)

    def mirror(self, connection: Any) -> Mirror:
        """Brings tables in line with a list."""
        return SqliteMirror(connection)

    def emptying(self, table: str) -> str:
        return f"DELETE FROM {table}"  # noqa: S608  # the name is quoted

    def failure(self, error: BaseException) -> Failure:
        """SQLite's own words; a locked or missing file counts as unreachable."""
        for cause in causes(error):
            if isinstance(cause, sqlite3.Error):
                code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
                return Failure(str(cause), code in _UNREACHABLE)
        return Failure(str(error))


def _bindable(value: Any) -> Any:
    """Days and instants as the texts that SQLite's own functions read and write."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date | time) else value


def _leave_transactions_to_us(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


DIALECT = SqliteDialect()
