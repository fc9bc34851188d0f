"""The lane from a database that writes CSV itself: its text goes into COPY as it comes."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import psycopg

from nomaflow.connectors.copies import Lines, Load, Moved, OnCancel, Source, Transfer, Unsuited
from nomaflow.connectors.dialects.postgresql.exact import fits
from nomaflow.connectors.dialects.postgresql.expressions import quote
from nomaflow.connectors.dialects.postgresql.filling import fill
from nomaflow.connectors.tables import Column, ColumnType, Kind

_CHECKED_BY_INPUT: Final = frozenset(
    {Kind.INTEGER, Kind.BOOLEAN, Kind.BYTES, Kind.DATE, Kind.UUID, Kind.JSON}
)
_END_OF_DATA: Final = (b"\n\\.", b"\r\\.")


@dataclass(frozen=True)
class Csv:
    """For columns whose text PostgreSQL reads as the same value, or refuses."""

    source: Source
    target: psycopg.Connection[Any]
    stash: str
    lane: ClassVar[str] = "csv"
    coerces: ClassVar[bool] = False

    def fit(self, transfer: Transfer) -> Load:
        source = self.source.csv()
        source.refuse(transfer)
        for ours, theirs in zip(transfer.sources, transfer.targets, strict=True):
            _refuse(ours, theirs.type)

        def load(arrived: Callable[[int], None], on_cancel: OnCancel) -> Moved:
            with source.opened(transfer, "", on_cancel) as found:
                return self._fill(found, transfer, arrived)

        return load

    def _fill(
        self, found: Iterator[Lines], transfer: Transfer, arrived: Callable[[int], None]
    ) -> Moved:
        passing = _Passing(arrived)
        names = ", ".join(quote(column.name) for column in transfer.targets)
        with closing(passing.data(found)) as chunks:
            into = f"{self.stash} ({names})"
            size, written = fill(self.target, into, chunks, frozen=self.stash, form="csv")
        return Moved(passing.rows, written, size, passing.blanked, counted=True)


class _Passing:
    """Counts what goes by."""

    def __init__(self, arrived: Callable[[int], None]) -> None:
        self.rows = 0
        self.blanked: Counter[str] = Counter()
        self._arrived = arrived

    def data(self, found: Iterator[Lines]) -> Generator[bytes, None, None]:
        for lines in found:
            if any(end in lines.data for end in _END_OF_DATA):
                raise Unsuited(r"a text has the line '\.', where PostgreSQL's CSV ends")
            yield lines.data
            self.rows += lines.rows
            self.blanked.update(lines.blanked)
            self._arrived(lines.rows)


def _refuse(source: Column, target: ColumnType) -> None:
    """Raises Unsuited for a type that would cut, round, pad or shift what it is given."""
    if not _keeps(source.type, target):
        raise Unsuited(f"column '{source.name}': {source.type.native} becomes {target.native}")


def _keeps(source: ColumnType, target: ColumnType) -> bool:
    if (source.kind, target.kind) == (Kind.INTEGER, Kind.DECIMAL):
        return (target.scale or 0) >= 0
    if source.kind is not target.kind or source.zoned is not target.zoned:
        return False
    if source.kind in _CHECKED_BY_INPUT:
        return True
    if source.kind is Kind.FLOAT:
        return source.size == target.size
    return fits(source, target) and (source.padded or not target.padded)
