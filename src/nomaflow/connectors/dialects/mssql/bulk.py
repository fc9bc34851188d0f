"""The fast lane into SQL Server: Arrow record batches through the driver's bulk interface.

It opens a connection of its own, on which a transaction of ours is not seen: so the stash, an
ordinary table, is filled by it and committed batch by batch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from threading import Event
from typing import Any, ClassVar, Final

import mssql_python

from nomaflow.connectors.copies import Load, Moved, OnCancel, Source, Transfer, Unsuited
from nomaflow.connectors.dialects.mssql.failures import failure
from nomaflow.connectors.tables import Column, Kind

_MICROSECONDS: Final = 6
_PLAIN: Final = frozenset({Kind.INTEGER, Kind.BOOLEAN, Kind.DECIMAL, Kind.DATE})
_REFUSALS: Final = (mssql_python.Error, RuntimeError, ValueError, TypeError)


@dataclass(frozen=True)
class Bulk:
    """For columns of which Arrow and the server mean the same; the rest is left to rows."""

    source: Source
    target: Any
    stash: str
    lane: ClassVar[str] = "arrow"
    coerces: ClassVar[bool] = False

    def fit(self, transfer: Transfer) -> Load:
        source = self.source.arrow()
        if find_spec("mssql_py_core") is None:
            raise Unsuited("the driver's bulk interface is not installed")
        source.refuse(transfer)
        for column in transfer.targets:
            _refuse(column)
        return lambda arrived, on_cancel: self._load(transfer, arrived, on_cancel)

    def _load(
        self, transfer: Transfer, arrived: Callable[[int], None], on_cancel: OnCancel
    ) -> Moved:
        """Raises Unsuited for whatever stops the load: rows will tell what it was."""
        passing = _Passing(arrived)
        names = [column.name for column in transfer.targets]
        with (
            self.source.arrow().opened(transfer) as batches,
            on_cancel(passing.stopped.set),
            self.target.cursor() as cursor,
        ):
            try:
                done = cursor.bulkcopy_arrow(
                    self.stash,
                    passing.counted(batches),
                    timeout=0,
                    column_mappings=names,
                    table_lock=True,
                    keep_nulls=True,
                )
            except _REFUSALS as error:
                raise Unsuited(failure(error).message) from error
        return Moved(passing.rows, int(done["rows_copied"]), passing.size)


@dataclass
class _Passing:
    """Counts batches on their way, and ends them when the copy is stopped."""

    arrived: Callable[[int], None]
    stopped: Event = field(default_factory=Event)
    rows: int = 0
    size: int = 0

    def counted(self, batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            if self.stopped.is_set():
                raise Unsuited("the copy was stopped")
            yield batch
            self.rows += batch.num_rows
            self.size += batch.nbytes
            self.arrived(batch.num_rows)


def _refuse(column: Column) -> None:
    """Raises Unsuited for a type that would round, fill up or reorder what it is given."""
    native, kind, size = column.type.native, column.type.kind, column.type.size
    exact = (
        (kind in _PLAIN and not native.startswith("nvarchar"))
        or native in {"float", "varbinary(max)"}
        or (kind is Kind.TEXT and native.startswith("nvarchar"))
        or (native.startswith("datetime2") and (size or 0) >= _MICROSECONDS)
    )
    if not exact:
        raise Unsuited(f"column '{column.name}' is {native}")
