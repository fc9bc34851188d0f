"""Microsoft SQL Server, through Microsoft's own driver (the extra `mssql`)."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event, make_url

from nomaflow.connectors.base import ResolvedPool
from nomaflow.connectors.copies import Source, Target
from nomaflow.connectors.dialects.base import Answer, Failure, answer_of, driver_connection
from nomaflow.connectors.mirrors import Mirror
from nomaflow.connectors.statement import Statement
from nomaflow.errors import NotFound, StepRefused

_SESSION: Final = "SET LANGUAGE us_english; SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON"
_NO_MIRROR: Final = (
    "ldap_sync into SQL Server is not available in this version. "
    "Sync into PostgreSQL, SQLite or MariaDB, and copy from there with sql_copy."
)


class MssqlDialect:
    """A server of many databases; readers see one instant only where it keeps row versions."""

    name = "mssql"
    schemes = frozenset({"mssql"})

    def engine(self, pool: ResolvedPool) -> Engine:
        """Connections are tested before use. The URL's query goes to the driver (`Encrypt=no`)."""
        if find_spec("mssql_python") is None:
            raise NotFound(
                f"Pool '{pool.name}' needs the SQL Server driver. Install it with: "
                "pip install 'nomaflow[mssql]'"
            )
        url = make_url(pool.url).set(drivername="mssql+mssqlpython")
        if pool.password is not None:
            url = url.set(password=pool.password.reveal())
        engine = create_engine(url, pool_size=pool.size, max_overflow=0, pool_pre_ping=True)
        event.listen(engine, "connect", _open_session)
        return engine

    def autocommit(self, connection: Any, *, enabled: bool) -> None:
        """A flag of the driver."""
        driver_connection(connection).setautocommit(enabled)

    def run(self, connection: Any, statement: Statement, values: Mapping[str, Any]) -> Answer:
        """Rows come one after the other."""
        names, text = statement.rendered(lambda _: "?")
        cursor = driver_connection(connection).cursor()
        cursor.execute(text, [values[name] for name in names])
        return answer_of(cursor)

    def cancel(self, connection: Any) -> None:
        """ODBC's SQLCancel, which another thread may call; the driver has no public name for it."""
        for cursor in list(driver_connection(connection)._cursors):
            if not cursor.closed and cursor.hstmt is not None:
                cursor.hstmt._cancel()

    def source(self, connection: Any) -> Source:
        """Reads tables."""
        from nomaflow.connectors.dialects.mssql.source import MssqlSource

        return MssqlSource(connection)

    def target(self, connection: Any) -> Target:
        """Fills tables."""
        from nomaflow.connectors.dialects.mssql.target import MssqlTarget

        return MssqlTarget(connection)

    def mirror(self, connection: Any) -> Mirror:  # noqa: ARG002 - the seam's
        """Not built yet."""
        raise StepRefused(_NO_MIRROR)

    def emptying(self, table: str) -> str:
        return f"TRUNCATE TABLE {table}"

    def failure(self, error: BaseException) -> Failure:
        """The server's message without the names of the drivers that passed it on."""
        from nomaflow.connectors.dialects.mssql.failures import failure  # only where it is

        return failure(error)


def _open_session(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SESSION)
    connection.commit()


DIALECT = MssqlDialect()
