"""PostgreSQL, through psycopg 3."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event, make_url

from nomaflow.connectors.base import ResolvedPool
from nomaflow.connectors.copies import Source, Target
from nomaflow.connectors.dialects.base import Answer, Failure, answer_of, causes, driver_connection
from nomaflow.connectors.dialects.postgresql.session import CANCEL_TIMEOUT_SECONDS, SESSION
from nomaflow.connectors.mirrors import Mirror
from nomaflow.connectors.statement import Statement

if TYPE_CHECKING:
    import psycopg

_NO_ANSWER = ("08", "53300", "57P01", "57P02", "57P03")
_ROWS_AT_ONCE = 1000


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

    def autocommit(self, connection: Any, *, enabled: bool) -> None:
        """A flag of the driver; statements such as VACUUM need it set."""
        driver_connection(connection).autocommit = enabled

    def run(self, connection: Any, statement: Statement, values: Mapping[str, Any]) -> Answer:
        """Described first, so that rows can be taken from the server as they come."""
        from psycopg import RawCursor, capabilities

        names, text = statement.rendered(lambda place: f"${place}")
        arguments = [values[name] for name in names]
        cursor = RawCursor(driver_connection(connection))
        columns = _columns(cursor.connection, text, arguments)
        if columns:
            size = _ROWS_AT_ONCE if capabilities.has_stream_chunked() else 1
            rows: Any = cursor.stream(text, arguments, size=size)
            return Answer(columns, rows, 0, rows.close)
        return answer_of(cursor.execute(text, arguments))

    def cancel(self, connection: Any) -> None:
        """Ask the server to cancel what the connection runs."""
        driver_connection(connection).cancel_safe(timeout=CANCEL_TIMEOUT_SECONDS)

    def source(self, connection: Any) -> Source:
        """Reads tables."""
        from nomaflow.connectors.dialects.postgresql.source import PostgresqlSource

        return PostgresqlSource(connection)

    def target(self, connection: Any) -> Target:
        """Fills tables."""
        from nomaflow.connectors.dialects.postgresql.target import PostgresqlTarget

        return PostgresqlTarget(connection)

    def mirror(self, connection: Any) -> Mirror:
        """Brings tables in line with a list."""
        from nomaflow.connectors.dialects.postgresql.mirror import PostgresqlMirror

        return PostgresqlMirror(connection)

    def emptying(self, table: str) -> str:
        return f"TRUNCATE TABLE {table}"

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


def _columns(
    connection: "psycopg.Connection[Any]", text: str, arguments: Sequence[Any]
) -> tuple[str, ...]:
    """The names of the columns that a statement returns, asked of the server."""
    from psycopg.adapt import PyFormat, Transformer
    from psycopg.errors import error_from_result
    from psycopg.pq import ExecStatus

    encoding = connection.info.encoding
    transformer = Transformer(connection)
    transformer.dump_sequence(arguments, [PyFormat.AUTO] * len(arguments))
    prepared = connection.pgconn.prepare(b"", text.encode(encoding), transformer.types)
    if prepared.status != ExecStatus.COMMAND_OK:
        raise error_from_result(prepared, encoding)
    described = connection.pgconn.describe_prepared(b"")
    names = (described.fname(place) or b"" for place in range(described.nfields))
    return tuple(name.decode(encoding) for name in names)


def _open_session(connection: Any, _record: object) -> None:
    connection.execute(SESSION)
    connection.commit()


DIALECT = PostgresqlDialect()
