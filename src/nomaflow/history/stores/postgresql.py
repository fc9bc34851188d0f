"""A PostgreSQL database, through psycopg 3."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    Select,
    Table,
    Text,
    cast,
    collate,
    column,
    create_engine,
    event,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, OperationalError

from nomaflow.history.stores.base import READERS, Commits, Topic
from nomaflow.history.types import rows_json, to_json

LOCKS: dict[Topic, int] = {
    "schema": 7710201,
    "queue": 7710202,
    "revisions": 7710203,
}
SERIALIZATION_FAILURE = "40001"
DEADLOCK_DETECTED = "40P01"
PASSING = {None, SERIALIZATION_FAILURE, DEADLOCK_DETECTED}
CONNECT_ARGS = {
    "application_name": "nomaflow",
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# Of the transaction, not of the session: a connection pooler in between keeps no session. A row
# that someone else keeps locked holds up its own writers alone, and a frozen process loses the
# locks that the others wait for.
LIMITS = "SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '10s'"


class PostgresqlStore:
    """Several processes and machines share it; races are settled by its row locks."""

    name: ClassVar[str] = "postgresql"
    advice: ClassVar[str] = (
        "Check that the server is up, and host, database, user and password "
        "of pool 'default' in connectors.toml."
    )

    def engine(self, url: URL, *, writing: bool) -> Engine:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args=CONNECT_ARGS,
            pool_size=1 if writing else READERS,
            max_overflow=0,
            hide_parameters=True,
            json_serializer=to_json,
        )
        if writing:
            event.listen(engine, "begin", _limit_waiting)
        return engine

    def commits(self, url: URL) -> Commits | None:  # noqa: ARG002  # the seam's signature
        """None: it takes a message to the server and back, as the question itself does."""
        return None

    def insert_new(self, table: Table) -> Insert:
        return _insert_new(table)

    def rows(
        self, columns: Sequence[Column[Any]], rows: Sequence[Mapping[str, Any]]
    ) -> Select[*tuple[Any, ...]]:
        fields = [column(each.name, each.type) for each in columns]
        records = func.json_to_recordset(cast(literal(rows_json(rows), Text), JSON))
        return select(*records.table_valued(*fields).render_derived(with_types=True).c)

    def holds(self, place: ColumnElement[str], text: str) -> ColumnElement[bool]:
        if text.isascii():  # without the rules of a language: a third of the time
            return func.lower(collate(place, "C")).contains(text.lower(), autoescape=True)
        return place.icontains(text, autoescape=True)

    def lock(self, connection: Connection, topic: Topic) -> None:
        if topic == "schema":
            connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCKS[topic]})

    def is_passing(self, error: DBAPIError) -> bool:
        if error.connection_invalidated:
            return True
        return isinstance(error, OperationalError) and _sqlstate(error) in PASSING


def _limit_waiting(connection: Connection) -> None:
    connection.exec_driver_sql(LIMITS)


def _sqlstate(error: DBAPIError) -> str | None:
    """The server's code; None when the failure is the client's, as in connecting."""
    return getattr(error.orig, "sqlstate", None)


@cache
def _insert_new(table: Table) -> Insert:
    return insert(table).on_conflict_do_nothing()


STORE = PostgresqlStore()
