"""The seam of the stores: a database that can hold the history is one file in this folder.

A file defines one instance named `STORE`; installed packages use the entry point group
`nomaflow.stores`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol

from sqlalchemy import URL, Column, ColumnElement, Connection, Engine, Insert, Select, Table
from sqlalchemy.exc import DBAPIError

READERS = 4
Topic = Literal["schema", "queue", "revisions"]


class Commits(Protocol):
    """The commits of a store, counted from outside; for one thread at a time."""

    def count(self) -> int | None:
        """Another number after any commit of anybody; None when it cannot be told just now."""

    def close(self) -> None:
        """Give up what it holds. May be called twice."""


class Store(Protocol):
    """What one database does differently. `name` is the scheme of its URLs."""

    name: ClassVar[str]
    advice: ClassVar[str]

    def __hash__(self) -> int:
        """There is one object for each store: what belongs to it may be kept by it."""

    def engine(self, url: URL, *, writing: bool) -> Engine:
        """Connections for the one writer, or for a few readers; nothing is opened yet."""

    def commits(self, url: URL) -> Commits | None:
        """A count that costs next to nothing; None where it costs as much as to look."""

    def insert_new(self, table: Table) -> Insert:
        """An insert that passes over rows whose key is there already."""

    def rows(
        self, columns: Sequence[Column[Any]], rows: Sequence[Mapping[str, Any]]
    ) -> Select[*tuple[Any, ...]]:
        """Select `rows` as if they stood in a table with those columns: one statement for many."""

    def holds(self, place: ColumnElement[str], text: str) -> ColumnElement[bool]:
        """Whether the text stands there, whatever the case of its letters (on SQLite of A to Z)."""

    def lock(self, connection: Connection, topic: Topic) -> None:
        """Wait until no other transaction holds `topic`; held until this one ends."""

    def is_passing(self, error: DBAPIError) -> bool:
        """Whether the transaction is surely undone and may well succeed when tried again."""
