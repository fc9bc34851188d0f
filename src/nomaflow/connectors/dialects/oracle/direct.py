"""The fast lane into Oracle: Arrow record batches through the driver's direct path load.

It writes blocks behind the table's last one and commits by itself, which a stash may.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import oracledb

from nomaflow.connectors.copies import Load, Moved, OnCancel, Source, Transfer, Unsuited
from nomaflow.connectors.dialects.oracle.failures import failure
from nomaflow.connectors.tables import Column, ColumnType, Kind, TableName

_DIGITS_OF_BITS: Final = {16: 5, 32: 10, 64: 19}
_MICROSECONDS: Final = 6


@dataclass(frozen=True)
class Direct:
    """For columns of which Arrow and the server mean the same; the rest is left to rows."""

    source: Source
    target: Any
    stash: TableName
    lane: ClassVar[str] = "arrow"
    coerces: ClassVar[bool] = False

    def fit(self, transfer: Transfer) -> Load:
        source = self.source.arrow()
        if not self.target.thin:
            raise Unsuited("the driver loads directly in its thin mode alone")
        targets = [
            _read_as(ours, theirs)
            for ours, theirs in zip(transfer.sources, transfer.targets, strict=True)
        ]
        reading = replace(transfer, targets=targets)
        source.refuse(reading)
        return lambda arrived, on_cancel: self._load(reading, arrived, on_cancel)

    def _load(
        self,
        transfer: Transfer,
        arrived: Callable[[int], None],
        on_cancel: OnCancel,  # noqa: ARG002 - a break ends the load
    ) -> Moved:
        """Raises Unsuited for whatever stops the load: rows will tell what it was."""
        names = [column.name for column in transfer.targets]
        rows = size = 0
        blanked: Counter[str] = Counter()
        with self.source.arrow().opened(transfer) as batches:
            for batch in batches:
                self._send(names, _without_empty(batch, transfer.targets, blanked))
                rows += batch.num_rows
                size += batch.nbytes
                arrived(batch.num_rows)
        self.target.commit()
        return Moved(rows, rows, size, {name: n for name, n in blanked.items() if n})

    def _send(self, names: list[str], batch: Any) -> None:
        try:
            self.target.direct_path_load(
                schema_name=self.stash.schema,
                table_name=self.stash.table,
                column_names=names,
                data=batch,
            )
        except (oracledb.Error, ValueError, TypeError) as error:
            raise Unsuited(failure(error).message) from error


def _read_as(source: Column, target: Column) -> Column:
    """The column as the batches are to bring it. Raises Unsuited where that would not be exact."""
    ours, theirs = source.type, target.type
    digits = _DIGITS_OF_BITS.get(ours.size or 0)
    if ours.kind is Kind.INTEGER and digits and theirs.native.startswith("NUMBER("):
        room = _digits_of(theirs)
        if room >= digits:
            return replace(target, type=ColumnType(Kind.INTEGER, theirs.native, 64))
    exact = (
        (ours.kind is Kind.DECIMAL and theirs.native.startswith("NUMBER("))
        or theirs.native in {"BINARY_DOUBLE", "BLOB", "CLOB"}
        or theirs.native.startswith("VARCHAR2")
        or (theirs.native.startswith("TIMESTAMP") and (theirs.size or 0) >= _MICROSECONDS)
    )
    if not exact or theirs.zoned:
        raise Unsuited(f"column '{target.name}': {ours.native} becomes {theirs.native}")
    return target


def _without_empty(batch: Any, columns: Sequence[Column], blanked: Counter[str]) -> Any:
    """An empty text is NULL in Oracle: it is counted, and made one here."""
    import pyarrow as pa  # only where it is installed
    import pyarrow.compute as pc

    arrays = list(batch.columns)
    for place, column in enumerate(columns):
        if column.type.kind is Kind.TEXT:
            empty = pc.equal(arrays[place], "")
            blanked[column.name] += pc.sum(empty).as_py() or 0
            nothing = pa.scalar(None, arrays[place].type)
            arrays[place] = pc.if_else(pc.fill_null(empty, fill_value=True), nothing, arrays[place])
    return pa.record_batch(arrays, [column.name for column in columns])


def _digits_of(declared: ColumnType) -> int:
    """Before the decimal point; an INTEGER's own type has none behind it."""
    digits, _, scale = declared.native.removeprefix("NUMBER(").rstrip(")").partition(",")
    return int(digits) - int(scale or 0)
