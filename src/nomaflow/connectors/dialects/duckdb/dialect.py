"""DuckDB, through its own driver (the extra `duckdb`)."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any, Final

from sqlalchemy import Engine

from nomaflow.connectors.base import ResolvedPool
from nomaflow.connectors.copies import Source, Target
from nomaflow.connectors.dialects.base import Answer, Failure, causes, driver_connection
from nomaflow.connectors.dialects.duckdb.expressions import message
from nomaflow.connectors.mirrors import Mirror
from nomaflow.connectors.statement import Statement
from nomaflow.errors import NotFound, StepRefused

_ROWS_AT_ONCE: Final = 1000
_HELD = re.compile(r'Could not set lock on file "(.*?)": .*?lock is held in (.*?\(PID \d+\))')
_NO_MIRROR = (
    "ldap_sync cannot sync into DuckDB: it has no savepoints, so a refused row could not be named. "
    "Sync into PostgreSQL, SQLite or MariaDB, and copy from there with sql_copy."
)


class DuckdbDialect:
    """One file that one process at a time may open; columns keep what they declare."""

    name = "duckdb"
    schemes = frozenset({"duckdb"})

    def engine(self, pool: ResolvedPool) -> Engine:
        """Connections that let the file go when they are given back."""
        if find_spec("duckdb") is None:
            raise NotFound(
                f"Pool '{pool.name}' needs the DuckDB driver. Install it with: "
                "pip install 'nomaflow[duckdb]'"
            )
        from nomaflow.connectors.dialects.duckdb.engine import engine

        return engine(pool)

    def autocommit(self, connection: Any, *, enabled: bool) -> None:
        """Nothing to do: DuckDB begins no transaction unless one is asked for."""

    def run(self, connection: Any, statement: Statement, values: Mapping[str, Any]) -> Answer:
        """DuckDB computes rows as they are fetched."""
        import duckdb  # only where it is installed

        driver = driver_connection(connection)
        names, text = statement.rendered(lambda place: f"${place}")
        gives = driver.extract_statements(text)[-1].expected_result_type
        done = driver.execute(text, [values[name] for name in names])
        if duckdb.ExpectedResultType.NOTHING in gives or done.rowcount >= 0:
            return Answer((), iter(()), max(done.rowcount, 0), driver.complete)
        columns = tuple(column[0] for column in done.description or ())
        writes = duckdb.ExpectedResultType.CHANGED_ROWS in gives
        return Answer(columns, _rows(done), 0, driver.complete if writes else driver.abort)

    def cancel(self, connection: Any) -> None:
        """Interrupt the running statement."""
        driver_connection(connection).interrupt()

    def source(self, connection: Any) -> Source:
        """Reads tables."""
        from nomaflow.connectors.dialects.duckdb.source import DuckdbSource

        return DuckdbSource(connection)

    def target(self, connection: Any) -> Target:
        """Fills tables."""
        from nomaflow.connectors.dialects.duckdb.target import DuckdbTarget

        return DuckdbTarget(connection)

    def mirror(self, connection: Any) -> Mirror:  # noqa: ARG002 - the seam's
        """DuckDB has no savepoints."""
        raise StepRefused(_NO_MIRROR)

    def emptying(self, table: str) -> str:
        return f"TRUNCATE TABLE {table}"

    def failure(self, error: BaseException) -> Failure:
        """DuckDB's own words without the line of SQL below them; who holds a file is named."""
        import duckdb  # only where it is installed

        for cause in causes(error):
            if isinstance(cause, duckdb.IOException):
                return Failure(_held(cause) or message(cause), unreachable=True)
            if isinstance(cause, duckdb.Error):
                return Failure(message(cause))
        return Failure(str(error))


def _held(error: BaseException) -> str | None:
    held = _HELD.search(str(error))
    if held is None:
        return None
    return (
        f"The file '{held[1]}' is open in another process: {held[2]}. One process at a time may "
        "open a DuckDB file: close it there, or give the jobs that use it a common limit."
    )


def _rows(done: Any) -> Iterator[tuple[Any, ...]]:
    for rows in iter(partial(done.fetchmany, _ROWS_AT_ONCE), []):
        yield from rows


DIALECT = DuckdbDialect()
