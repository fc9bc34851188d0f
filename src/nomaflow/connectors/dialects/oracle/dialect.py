"""Oracle Database, through python-oracledb without a client (the extra `oracle`)."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine, event, make_url

from nomaflow.connectors.base import ResolvedPool
from nomaflow.connectors.copies import Source, Target
from nomaflow.connectors.dialects.base import Answer, Failure, answer_of, driver_connection
from nomaflow.connectors.mirrors import Mirror
from nomaflow.connectors.statement import Statement
from nomaflow.errors import NotFound, StepRefused

_SESSION: Final = (
    "ALTER SESSION SET TIME_ZONE = '+00:00' NLS_NUMERIC_CHARACTERS = '.,'"
    " NLS_DATE_FORMAT = 'YYYY-MM-DD HH24:MI:SS' NLS_TIMESTAMP_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF'"
    " NLS_TIMESTAMP_TZ_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF TZH:TZM'"
)
_NO_MIRROR: Final = (
    "ldap_sync into Oracle is not available in this version. "
    "Sync into PostgreSQL, SQLite or MariaDB, and copy from there with sql_copy."
)


class OracleDialect:
    """A server whose empty text is NULL, and whose dates carry a time."""

    name = "oracle"
    schemes = frozenset({"oracle"})

    def engine(self, pool: ResolvedPool) -> Engine:
        """Connections are tested before use and speak UTC; numbers have a decimal point."""
        if find_spec("oracledb") is None:
            raise NotFound(
                f"Pool '{pool.name}' needs the Oracle driver. Install it with: "
                "pip install 'nomaflow[oracle]'"
            )
        url = _by_service(make_url(pool.url).set(drivername="oracle+oracledb"))
        if pool.password is not None:
            url = url.set(password=pool.password.reveal())
        arguments = {"tcp_connect_timeout": pool.connect_timeout_seconds}
        engine = create_engine(
            url, connect_args=arguments, pool_size=pool.size, max_overflow=0, pool_pre_ping=True
        )
        event.listen(engine, "connect", _open_session)
        return engine

    def autocommit(self, connection: Any, *, enabled: bool) -> None:
        """A flag of the driver."""
        driver_connection(connection).autocommit = enabled

    def run(self, connection: Any, statement: Statement, values: Mapping[str, Any]) -> Answer:
        """Rows come in small lists; a long text comes with its row."""
        names, text = statement.rendered(lambda place: f":{place}")
        cursor = driver_connection(connection).cursor()
        cursor.execute(text, [values[name] for name in names], fetch_lobs=False)
        return answer_of(cursor)

    def cancel(self, connection: Any) -> None:
        """A break, which the server answers with ORA-01013."""
        driver_connection(connection).cancel()

    def source(self, connection: Any) -> Source:
        """Reads tables."""
        from nomaflow.connectors.dialects.oracle.source import OracleSource

        return OracleSource(connection)

    def target(self, connection: Any) -> Target:
        """Fills tables."""
        from nomaflow.connectors.dialects.oracle.target import OracleTarget

        return OracleTarget(connection)

    def mirror(self, connection: Any) -> Mirror:  # noqa: ARG002 - the seam's
        """Not built yet."""
        raise StepRefused(_NO_MIRROR)

    def emptying(self, table: str) -> str:
        return f"TRUNCATE TABLE {table}"

    def failure(self, error: BaseException) -> Failure:
        """The server's or the driver's message, without its web page."""
        from nomaflow.connectors.dialects.oracle.failures import failure  # only where it is

        return failure(error)


def _by_service(url: URL) -> URL:
    """`oracle://host/ERP` names a service, unless the query says `service_name` or `sid`."""
    query = dict(url.query)
    sid = query.pop("sid", None)
    if sid is None and url.database and "service_name" not in query:
        query["service_name"] = url.database
    return URL.create(
        url.drivername,
        url.username,
        url.password,
        url.host,
        url.port,
        database=None if sid is None else str(sid),
        query=query,
    )


def _open_session(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SESSION)


DIALECT = OracleDialect()
