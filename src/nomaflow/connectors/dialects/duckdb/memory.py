"""How much memory a copy leaves to DuckDB, which takes all that it may before it uses the disk.

Rows that stream need little. An index must fit whole, and so must what a query of the user's
groups or sorts. A limit in the pool's URL is left as it is.
"""

from typing import Final

import duckdb

DEFAULT: Final = "512MB"
_STREAMING: Final = "96MB"
_IS_OURS: Final = "nomaflow_memory"


def begin_with_default(connection: duckdb.DuckDBPyConnection) -> None:
    """For a pool whose URL says nothing of it."""
    connection.execute(f"SET memory_limit = '{DEFAULT}'")
    connection.execute(f"SET VARIABLE {_IS_OURS} = true")


def stream(connection: duckdb.DuckDBPyConnection) -> None:
    """Rows are going to pass, and none need stay."""
    _limit(connection, _STREAMING)


def keep_more(connection: duckdb.DuckDBPyConnection) -> None:
    """Something is going to be built that must fit."""
    _limit(connection, DEFAULT)


def _limit(connection: duckdb.DuckDBPyConnection, size: str) -> None:
    found = connection.execute(f"SELECT getvariable('{_IS_OURS}')").fetchall()
    if found == [(True,)]:
        connection.execute(f"SET memory_limit = '{size}'")
