"""Arrow record batches, written as one binary COPY by pgpq (the extra `arrow`)."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

import pgpq
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from pgpq.encoders import StringEncoderBuilder
from pgpq.schema import Jsonb

from nomaflow.connectors.copies import ArrowSource, Moved, OnCancel, Transfer, Unsuited
from nomaflow.connectors.dialects.postgresql.expressions import quote
from nomaflow.connectors.dialects.postgresql.filling import fill
from nomaflow.connectors.tables import Column, ColumnType, Kind

READ_AHEAD: Final = 2
_SUBSECOND_DIGITS: Final = 6
_INTEGERS: Final = {16: "int16", 32: "int32", 64: "int64"}


@dataclass(frozen=True)
class Batches:
    """Brings an Arrow source's rows into a stash."""

    source: ArrowSource
    target: psycopg.Connection[Any]
    stash: str

    def refuse(self, transfer: Transfer) -> None:
        """Raises Unsuited for columns whose values might not arrive exactly."""
        self.source.refuse(transfer)
        for column in transfer.targets:
            _refuse(column)

    def load(
        self, transfer: Transfer, arrived: Callable[[int], None], on_cancel: OnCancel
    ) -> Moved:
        names = ", ".join(quote(column.name) for column in transfer.targets)
        writing = _Encoding(transfer.targets)
        ahead = _Ahead(self.source, transfer)
        with closing(ahead), on_cancel(ahead.stop):
            stream = writing.encoded(ahead.batches(), arrived)
            into = f"{self.stash} ({names})"
            size, rows = fill(self.target, into, stream, frozen=self.stash)
        return Moved(writing.rows, rows, size, counted=True)


class _Ahead:
    """A thread reads and decodes some batches before they are used."""

    def __init__(self, source: ArrowSource, transfer: Transfer) -> None:
        self._source = source
        self._transfer = transfer
        self._ready: queue.Queue[Any] = queue.Queue(READ_AHEAD)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="copy reader")
        self._thread.start()

    def batches(self) -> Iterator[Any]:
        while (item := self._ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def stop(self) -> None:
        """No more batches; the one that is being read is the last."""
        self._stop.set()

    def close(self) -> None:
        """The reader's connection must not be closed before its thread has ended."""
        self.stop()
        while self._thread.is_alive():
            try:
                self._ready.get(timeout=0.05)
            except queue.Empty:
                continue
        self._thread.join()

    def _run(self) -> None:
        end: BaseException | None = None
        try:
            with self._source.opened(self._transfer) as batches:
                for batch in takewhile(lambda _: not self._stop.is_set(), batches):
                    self._ready.put(batch)
        except BaseException as error:  # noqa: BLE001 - raised where the batches are used
            end = error
        if self._stop.is_set():
            end = psycopg.errors.QueryCanceled("the copy was stopped")
        self._ready.put(end)


class _Encoding:
    """Batches as a binary COPY; counts rows."""

    def __init__(self, columns: Any) -> None:
        self.rows = 0
        self._columns = columns
        fields = [pa.field(column.name, _arrow_type(column.type)) for column in columns]
        self._schema = pa.schema(fields)
        encoders = {
            field.name: _encoder(column.type, field)
            for column, field in zip(columns, fields, strict=True)
        }
        self._encoder = pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(self._schema, encoders)

    def encoded(self, batches: Iterator[Any], arrived: Callable[[int], None]) -> Iterator[bytes]:
        yield self._encoder.write_header()
        for batch in batches:
            part = self._encoder.write_batch(self._fitted(batch))
            self.rows += batch.num_rows
            yield part
            arrived(batch.num_rows)
        yield self._encoder.finish()

    def _fitted(self, batch: Any) -> Any:
        arrays = map(_fitted, batch.columns, self._columns)
        try:
            cast = [
                array.cast(field.type) for array, field in zip(arrays, self._schema, strict=True)
            ]
        except pa.ArrowInvalid as error:
            raise Unsuited(str(error)) from error
        return pa.record_batch(cast, schema=self._schema)


def _refuse(column: Column) -> None:
    """Raises Unsuited for a type that would round what it is given."""
    kind, size = column.type.kind, column.type.size
    rounds = kind in {Kind.TIME, Kind.TIMESTAMP} and size not in {None, _SUBSECOND_DIGITS}
    if rounds or (kind is Kind.FLOAT and size == 32):
        raise Unsuited(f"column '{column.name}' is {column.type.native}")


def _fitted(values: Any, column: Column) -> Any:
    limit = column.type.size
    if column.type.kind is Kind.TEXT and limit is not None:
        longest = pc.max(pc.utf8_length(values)).as_py()
        if longest is not None and longest > limit:
            raise Unsuited(f"a text is too long for {column.type.native}")
    return values


def _arrow_type(declared: ColumnType) -> Any:
    match declared.kind:
        case Kind.INTEGER:
            return pa.type_for_alias(_INTEGERS[declared.size or 64])
        case Kind.DECIMAL:
            return pa.decimal128(declared.size or 0, declared.scale or 0)
        case Kind.TIMESTAMP:
            return pa.timestamp("us", tz="UTC" if declared.zoned else None)
        case kind:
            return pa.type_for_alias(_ALIASES[kind])


_ALIASES: Final = {
    Kind.FLOAT: "float64",
    Kind.BOOLEAN: "bool",
    Kind.TEXT: "string",
    Kind.JSON: "string",
    Kind.BYTES: "binary",
    Kind.DATE: "date32",
    Kind.TIME: "time64[us]",
    Kind.UUID: "binary",
}


def _encoder(declared: ColumnType, field: Any) -> Any:
    if declared.native == "jsonb":
        return StringEncoderBuilder.new_with_output(field, Jsonb())
    return pgpq.ArrowToPostgresBinaryEncoder.infer_encoder(field)
