"""The lane from a database that writes CSV itself: its text goes into LOAD DATA as it comes."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from nomaflow.connectors.copies import Lines, Load, Moved, OnCancel, Source, Transfer, Unsuited
from nomaflow.connectors.dialects.mysql.loading import Loading, Refused
from nomaflow.connectors.dialects.mysql.types import is_bits
from nomaflow.connectors.tables import Column, ColumnType, Kind

_NULL: Final = "NULL"
_CHECKED_BY_INPUT: Final = frozenset({Kind.INTEGER, Kind.BOOLEAN, Kind.DATE, Kind.JSON})
_TEXTUAL: Final = frozenset({Kind.UUID, Kind.NATIVE})


@dataclass(frozen=True)
class Csv:
    """For columns whose text MySQL reads as the same value, or warns of."""

    source: Source
    loading: Loading
    lane: ClassVar[str] = "csv"
    coerces: ClassVar[bool] = False

    def fit(self, transfer: Transfer) -> Load:
        if not self.loading.by_file:
            raise Unsuited("the server has local_infile off, so that rows go by INSERT")
        source = self.source.csv()
        source.refuse(transfer)
        for ours, theirs in zip(transfer.sources, transfer.targets, strict=True):
            _refuse(ours, theirs)

        def load(arrived: Callable[[int], None], on_cancel: OnCancel) -> Moved:
            with source.opened(transfer, _NULL, on_cancel) as found:
                return self._load(found, arrived)

        return load

    def _load(self, found: Iterator[Lines], arrived: Callable[[int], None]) -> Moved:
        passing = _Passing(arrived)
        try:
            written = self.loading.load_csv(passing.data(found))
        except Refused as refused:
            raise Unsuited(str(refused)) from refused
        return Moved(passing.rows, written, passing.size, passing.blanked)


class _Passing:
    """Counts what goes by."""

    def __init__(self, arrived: Callable[[int], None]) -> None:
        self.rows = self.size = 0
        self.blanked: Counter[str] = Counter()
        self._arrived = arrived

    def data(self, found: Iterator[Lines]) -> Iterator[bytes]:
        for lines in found:
            yield lines.data
            self.rows += lines.rows
            self.size += len(lines.data)
            self.blanked.update(lines.blanked)
            self._arrived(lines.rows)


def _refuse(source: Column, target: Column) -> None:
    """Raises Unsuited for a type that would cut, pad, shift or replace without a warning."""
    if not _keeps(source.type, target.type):
        raise Unsuited(f"column '{source.name}': {source.type.native} becomes {target.type.native}")
    if source.nullable and not target.nullable and target.type.zoned:
        raise Unsuited(f"column '{target.name}' would take NULL for the present instant")


def _keeps(source: ColumnType, target: ColumnType) -> bool:
    if is_bits(target) or (source.kind is Kind.NATIVE and not source.readable):
        return False
    if (source.kind, target.kind) == (Kind.INTEGER, Kind.DECIMAL) or (
        source.kind in _TEXTUAL and target.kind is Kind.TEXT and not target.padded
    ):
        return True
    if source.kind is not target.kind or source.zoned is not target.zoned:
        return source.kind is Kind.UUID and target.native.lower() == "char(36)"
    if source.kind is Kind.BYTES:
        return not target.native.lower().startswith("binary")
    if source.kind in {Kind.FLOAT, Kind.TIME, Kind.TIMESTAMP}:
        return source.size is not None and target.size is not None and source.size <= target.size
    return source.kind in _CHECKED_BY_INPUT or source.padded or not target.padded
