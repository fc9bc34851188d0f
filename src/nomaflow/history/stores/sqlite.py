"""An SQLite file: WAL, full durability, one writer at a time."""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    Select,
    Table,
    create_engine,
    event,
    func,
    select,
    true,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError

from nomaflow.history.stores.base import READERS, Commits, Topic
from nomaflow.history.types import rows_json, to_json

BUSY_SECONDS = 30.0


class SqliteStore:
    """Each write takes the write lock when it begins, so none fails halfway for want of it."""

    name: ClassVar[str] = "sqlite"
    advice: ClassVar[str] = (
        "Check that its folder exists and may be written, that the disk is not full, "
        "and that no other program keeps the file locked."
    )

    def engine(self, url: URL, *, writing: bool) -> Engine:
        engine = create_engine(
            url,
            connect_args={"isolation_level": None, "timeout": BUSY_SECONDS},
            pool_size=1 if writing else READERS,
            max_overflow=0,
            hide_parameters=True,
            json_serializer=to_json,
        )
        event.listen(engine, "connect", _set_up_writer if writing else _set_up_reader)
        event.listen(engine, "begin", _begin_writing if writing else _begin_reading)
        return engine

    def commits(self, url: URL) -> Commits | None:
        return SqliteCommits(url)

    def insert_new(self, table: Table) -> Insert:
        return _insert_new(table)

    def rows(
        self, columns: Sequence[Column[Any]], rows: Sequence[Mapping[str, Any]]
    ) -> Select[*tuple[Any, ...]]:
        each = func.json_each(rows_json(rows)).table_valued("value")
        fields = [
            func.json_extract(each.c.value, f"$.{column.name}", type_=column.type)
            for column in columns
        ]
        named = [field.label(column.name) for field, column in zip(fields, columns, strict=True)]
        # SQLite takes ON CONFLICT after a SELECT only when that has a WHERE.
        return select(*named).where(true())

    def holds(self, place: ColumnElement[str], text: str) -> ColumnElement[bool]:
        return place.contains(text, autoescape=True)

    def lock(self, connection: Connection, topic: Topic) -> None:
        """Nothing to do: a writing transaction has the whole file."""

    def is_passing(self, error: DBAPIError) -> bool:  # noqa: ARG002  # the seam's signature
        """Never: waiting for the lock is SQLite's own, for `BUSY_SECONDS`."""
        return False


class SqliteCommits:
    """Asks SQLite's memory that its connections share: about 5 µs, and it never waits."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._connection: sqlite3.Connection | None = None

    def count(self) -> int | None:
        try:
            if self._connection is None:
                self._connection = self._connect()
            version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error:
            return None
        return version

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> sqlite3.Connection:
        (place,), options = self._url.get_dialect()().create_connect_args(self._url)
        is_uri = options.get("uri", False)
        return sqlite3.connect(place, timeout=0, check_same_thread=False, uri=is_uri)


def _set_up_writer(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _set_up_reader(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA query_only = ON")


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


@cache
def _insert_new(table: Table) -> Insert:
    return insert(table).on_conflict_do_nothing()


STORE = SqliteStore()
