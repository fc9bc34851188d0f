"""The lane from SQLite to SQLite: the source's file is attached, and one statement copies."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from nomaflow.connectors.copies import Load, Moved, Transfer, Unsuited
from nomaflow.connectors.dialects.spelling import selected
from nomaflow.connectors.dialects.sqlite import catalogue
from nomaflow.connectors.tables import Query

_SCHEMA: Final = "nomaflow_source"


@dataclass(frozen=True)
class Attached:
    """For columns of one declaration: SQLite then keeps each value as it is."""

    source: sqlite3.Connection
    target: sqlite3.Connection
    stash: str
    lane: ClassVar[str] = "within"
    coerces: ClassVar[bool] = False

    def fit(self, transfer: Transfer) -> Load:
        transfer.refuse_later()
        if not transfer.verbatim:
            raise Unsuited("the columns are not declared alike")
        ours, theirs = catalogue.file_of(self.source), catalogue.file_of(self.target)
        if not ours or not theirs:
            raise Unsuited("a database in memory cannot be attached")
        if Path(ours).samefile(theirs):
            return lambda arrived, _: self._copy(transfer.query, arrived)
        if transfer.table is None:
            raise Unsuited("the names in a query or a condition could mean the target's tables")
        query = _select(transfer)
        return lambda arrived, _: self._copy_from(ours, query, arrived)

    def _copy_from(self, file: str, query: Query, arrived: Callable[[int], None]) -> Moved:
        with self._attached(file):
            return self._copy(query, arrived)

    def _copy(self, query: Query, arrived: Callable[[int], None]) -> Moved:
        sql = f"INSERT INTO {self.stash} {query.sql}"
        rows = self.target.execute(sql, query.params).rowcount
        arrived(rows)
        return Moved(rows, rows, self._size())

    def _size(self) -> int:
        pages, size = (
            self.target.execute(f"PRAGMA temp.{fact}").fetchone()[0]
            for fact in ("page_count", "page_size")
        )
        return int(pages * size)

    @contextmanager
    def _attached(self, file: str) -> Iterator[None]:
        """The swap must not lock the source's file, so it is let go before."""
        self.target.execute("COMMIT")
        self.target.execute(f"ATTACH ? AS {_SCHEMA}", [file])
        try:
            yield
        finally:
            self.target.execute(f"DETACH {_SCHEMA}")
        self.target.execute("BEGIN")


def _select(transfer: Transfer) -> Query:
    table = catalogue.quote(transfer.table.table if transfer.table else "")
    columns = selected(transfer.sources, catalogue.quote)
    return Query(f"SELECT {columns} FROM {_SCHEMA}.{table}")  # noqa: S608 - quoted
