"""Connections to a DuckDB file, as SQLAlchemy hands them out: opened for each use and let go after.

A file belongs to one process at a time. Copies run in processes of their own, other steps in the
server's, so none may hold the file for longer than it needs it.
"""

import threading
from contextlib import suppress
from typing import Any, Final

import duckdb
from sqlalchemy import URL, Engine, NullPool, create_engine, make_url
from sqlalchemy.dialects import registry
from sqlalchemy.engine.default import DefaultDialect

from nomaflow.connectors.base import ResolvedPool
from nomaflow.connectors.dialects.duckdb.expressions import quote, text_literal
from nomaflow.connectors.dialects.duckdb.memory import begin_with_default

_DRIVER: Final = "duckdb.nomaflow"
_SETTINGS: Final = {"enable_progress_bar": "false"}
_RETRY_SECONDS: Final = 0.1
_HELD: Final = "Could not set lock on file"


class DuckdbEngine(DefaultDialect):
    """Only what a pool of connections asks for: nobody here writes SQL through SQLAlchemy."""

    name = "duckdb"
    driver = "nomaflow"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return duckdb

    def do_begin(self, dbapi_connection: Any) -> None:
        dbapi_connection.begin()

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Also asked for when there is no transaction, which DuckDB calls an error."""
        with suppress(duckdb.TransactionException):
            dbapi_connection.rollback()


def engine(pool: ResolvedPool) -> Engine:
    """The file's engine; each connection is closed when it is given back."""
    url = make_url(pool.url)
    registry.register(_DRIVER, __name__, DuckdbEngine.__name__)
    return create_engine(
        URL.create(_DRIVER.replace(".", "+"), database=url.database),
        creator=lambda: _connect(url, pool.connect_timeout_seconds),
        poolclass=NullPool,
    )


def _connect(url: URL, patience: float) -> duckdb.DuckDBPyConnection:
    """Wait for another process to let the file go, for up to `patience` seconds."""
    waits = round(patience / _RETRY_SECONDS)
    while True:
        try:
            return _opened(url)
        except duckdb.IOException as error:
            if _HELD not in str(error) or waits <= 0:
                raise
        waits -= 1
        threading.Event().wait(_RETRY_SECONDS)


def _opened(url: URL) -> duckdb.DuckDBPyConnection:
    """The URL's query holds settings; only how the file is opened must be said at once."""
    wanted = {**_SETTINGS, **{name: str(value) for name, value in url.query.items()}}
    read_only = wanted.pop("access_mode", "").lower() == "read_only"
    connection = duckdb.connect(url.database or ":memory:", read_only=read_only)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        if "memory_limit" not in wanted:
            begin_with_default(connection)
        for name, value in wanted.items():
            connection.execute(f"SET {quote(name)} = {text_literal(value)}")
    except BaseException:
        connection.close()
        raise
    return connection
