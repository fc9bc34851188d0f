"""Reads DuckDB in Arrow record batches (the extra `arrow`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from nomaflow.connectors.copies import Transfer, Unsuited
from nomaflow.connectors.dialects.duckdb.expressions import quote
from nomaflow.connectors.tables import Column, ColumnType, Kind

_BATCH_BYTES: Final = 4 * 1024 * 1024
_FEWEST_ROWS, _MOST_ROWS = 64, 16_384
_BYTES_OF_A_VALUE: Final = 16
_DIGITS_OF_A_DECIMAL: Final = 38
_MICROSECONDS: Final = 6


@dataclass(frozen=True)
class DuckdbBatches:
    """Batches whose columns are, by kind, int64, float64, bool, text, binary, date32, time64 and
    timestamp in microseconds, decimal128, 16 bytes of a UUID.
    """

    connection: duckdb.DuckDBPyConnection

    def refuse(self, transfer: Transfer) -> None:
        """Raises Unsuited when this cannot read such columns for such a target."""
        transfer.refuse_pending()
        for source, target in zip(transfer.sources, transfer.targets, strict=True):
            _item(source, target)

    @contextmanager
    def opened(self, transfer: Transfer) -> Iterator[Iterator[Any]]:
        """The batches; every error of reading but an interruption is Unsuited."""
        pairs = zip(transfer.sources, transfer.targets, strict=True)
        items = ", ".join(f"{_item(*pair)} AS {quote(pair[1].name)}" for pair in pairs)
        with streamed(self.connection, items, transfer) as batches:
            yield batches


@dataclass(frozen=True)
class Lossless:
    """Batches that DuckDB alone reads: every type and value is kept."""

    connection: duckdb.DuckDBPyConnection

    @contextmanager
    def opened(self, transfer: Transfer) -> Iterator[Iterator[Any]]:
        """The batches; every error of reading but an interruption is Unsuited."""
        self.connection.execute("SET arrow_lossless_conversion = true")
        pairs = zip(transfer.sources, transfer.targets, strict=True)
        items = ", ".join(f"{quote(ours.name)} AS {quote(theirs.name)}" for ours, theirs in pairs)
        with streamed(self.connection, items, transfer) as batches:
            yield batches


@contextmanager
def streamed(
    connection: duckdb.DuckDBPyConnection, items: str, transfer: Transfer
) -> Iterator[Iterator[Any]]:
    """What a SELECT gives, computed batch by batch."""
    sql = f"SELECT {items} FROM (\n{transfer.query.sql}\n) AS q"  # noqa: S608 - quoted
    with _refusals():
        relation = connection.sql(sql, params=list(transfer.query.params))
        reader = relation.to_arrow_reader(_rows_at_once(transfer))
    try:
        yield _read(reader)
    finally:
        reader.close()


def _read(reader: Any) -> Iterator[Any]:
    with _refusals():
        yield from reader


def _rows_at_once(transfer: Transfer) -> int:
    """By the number of columns: DuckDB knows of no row how long it is."""
    wanted = _BATCH_BYTES // (_BYTES_OF_A_VALUE * len(transfer.sources))
    return max(_FEWEST_ROWS, min(_MOST_ROWS, wanted))


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except duckdb.InterruptException:
        raise
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise Unsuited(f"a value is not of its column's type: {error}") from error


def _item(source: Column, target: Column) -> str:
    ours, theirs = source.type, target.type
    if ours.kind is not theirs.kind or ours.zoned is not theirs.zoned:
        raise Unsuited(f"column '{source.name}': {ours.native} becomes {theirs.native}")
    if ours.kind is Kind.DECIMAL:
        return _decimal(source, theirs)
    if ours.kind not in _ITEMS or (ours.kind in _MOMENTS and (ours.size or 0) > _MICROSECONDS):
        raise Unsuited(f"column '{source.name}' is {ours.native}")
    item = _SHOWN if ours.kind is Kind.FLOAT and ours.size == 32 else _ITEMS[ours.kind]
    return item.format(c=quote(source.name))


def _decimal(source: Column, target: ColumnType) -> str:
    size, scale = target.size or 0, target.scale or 0
    if not 0 < size <= _DIGITS_OF_A_DECIMAL or not (source.type.scale or 0) <= scale <= size:
        raise Unsuited(f"column '{source.name}': {source.type.native} becomes {target.native}")
    return f"CAST({quote(source.name)} AS DECIMAL({size},{scale}))"


_FINITE: Final = "CASE WHEN isinf({c}) THEN error('a value is infinite') ELSE {c} END"
_SHOWN: Final = "CAST(CAST({c} AS VARCHAR) AS DOUBLE)"
_MOMENTS: Final = frozenset({Kind.TIME, Kind.TIMESTAMP})
_ITEMS: Final = {
    Kind.INTEGER: "CAST({c} AS BIGINT)",
    Kind.FLOAT: "{c}",
    Kind.BOOLEAN: "{c}",
    Kind.TEXT: "CAST({c} AS VARCHAR)",
    Kind.JSON: "CAST({c} AS VARCHAR)",
    Kind.BYTES: "{c}",
    Kind.DATE: _FINITE,
    Kind.TIME: "{c}",
    Kind.TIMESTAMP: _FINITE,
    Kind.UUID: "unhex(replace(CAST({c} AS VARCHAR), '-', ''))",
}
