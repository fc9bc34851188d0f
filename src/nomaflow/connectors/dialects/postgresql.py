"""PostgreSQL, through psycopg 3."""

from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url

from nomaflow.connectors.base import ResolvedPool
from nomaflow.connectors.dialects.base import Failure, causes, driver_connection

_SESSION = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'"
_NO_ANSWER = ("08", "53300", "57P01", "57P02", "57P03")
_CANCEL_TIMEOUT_SECONDS = 3.0


class PostgresqlDialect:
    """A server with schemas, transactional DDL and bulk COPY."""

    name = "postgresql"
    schemes = frozenset({"postgresql", "postgres"})

    def engine(self, pool: ResolvedPool) -> Engine:
        """Connections are tested before use; statements are never prepared behind one's back."""
        url = make_url(pool.url).set(drivername="postgresql+psycopg")
        if pool.password is not None:
            url = url.set(password=pool.password.reveal())
        arguments = {
            "connect_timeout": max(2, round(pool.connect_timeout_seconds)),
            "client_encoding": "utf8",
            "application_name": "nomaflow",
            "prepare_threshold": None,
        }
        engine = create_engine(
            url, connect_args=arguments, pool_size=pool.size, max_overflow=0, pool_pre_ping=True
        )
        event.listen(engine, "connect", _open_session)
        return engine

    def cancel(self, connection: Any) -> None:
        """Ask the server to cancel what the connection runs."""
        driver_connection(connection).cancel_safe(timeout=_CANCEL_TIMEOUT_SECONDS)

    def failure(self, error: BaseException) -> Failure:
        """The server's primary message; no answer, no slot or a shutdown is unreachable."""
        import psycopg  # the driver: when it is opened

        for cause in causes(error):
            if isinstance(cause, psycopg.OperationalError):
                unreachable = (cause.sqlstate or "08").startswith(_NO_ANSWER)
                return Failure(cause.diag.message_primary or str(cause).strip(), unreachable)
            if isinstance(cause, psycopg.Error):
                return Failure(cause.diag.message_primary or str(cause).strip())
        return Failure(str(error))


def _open_session(connection: Any, _record: object) -> None:
    connection.execute(_SESSION)
    connection.commit()


DIALECT = PostgresqlDialect()
