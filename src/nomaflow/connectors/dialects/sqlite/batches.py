"""Reads a SQLite table in Arrow record batches, through ADBC (the extra `arrow`).

ADBC takes a column's type from its first rows, and turns later values into it silently where it
can. So the SELECT begins with a row of the right types, which is dropped, and a last column counts
the values in each row that a conversion would hide.

ADBC brings a SQLite of its own. Two of them in one process must not hold locks on one file: the
first to close it would free the other's. So the source's own transaction ends before.
"""

import sqlite3
from binascii import unhexlify
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import adbc_driver_manager as adbc
import adbc_driver_sqlite
import pyarrow as pa
import pyarrow.compute as pc

from nomaflow.connectors.coercions import Coercion
from nomaflow.connectors.copies import Transfer, Unsuited
from nomaflow.connectors.dialects.sqlite.catalogue import file_of, quote
from nomaflow.connectors.dialects.sqlite.coerced import coerced, refuse_uncoercible
from nomaflow.connectors.tables import Column, ColumnType, Kind

_BATCH_BYTES: Final = 4 * 1024 * 1024
_FEWEST_ROWS, _MOST_ROWS = 64, 16_384
_DIGITS_OF_A_DOUBLE: Final = 15
_DIGITS_OF_AN_INTEGER: Final = 19
_DIGITS_OF_A_DECIMAL: Final = 38
_UUID_DASHES: Final = (8, 13, 18, 23)
_UUID_LENGTH: Final = 36


@dataclass(frozen=True)
class Reading:
    """How a column is read: a value of its type, what must not stand in it, how it is decoded."""

    seed: str
    storage: str
    bad: str | None
    decode: Callable[[Any, ColumnType], Any]


@dataclass(frozen=True)
class SqliteBatches:
    """Batches whose columns are, by kind, int64, float64, bool, text, binary, date32, time64 and
    timestamp in microseconds, decimal128 of the target's size, 16 bytes of a UUID.
    """

    connection: sqlite3.Connection

    def refuse(self, transfer: Transfer) -> None:
        """Raises Unsuited when this cannot read such columns for such a target."""
        if not file_of(self.connection):
            raise Unsuited("the source is a database in memory")
        if transfer.query.params:
            raise Unsuited("the query has parameters")
        transfer.refuse_later()
        for columns in transfer.columns:
            _reading(*columns)

    @contextmanager
    def opened(self, transfer: Transfer) -> Iterator[Iterator[Any]]:
        """The batches; every error of reading is Unsuited."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
        readings = [_reading(*columns) for columns in transfer.columns]
        with ExitStack() as stack, _refusals():
            read = self._execute(stack, _select(transfer, readings), self._rows_at_once(transfer))
            _check_types(read.schema, transfer, readings)
            yield _decoded(read, transfer, readings)

    def _rows_at_once(self, transfer: Transfer) -> int:
        """So many that a batch of average rows has some MiB."""
        pages, size = (
            self.connection.execute(f"PRAGMA main.{fact}").fetchone()[0]
            for fact in ("page_count", "page_size")
        )
        average = pages * size / max(transfer.rows or 1, 1)
        return max(_FEWEST_ROWS, min(_MOST_ROWS, int(_BATCH_BYTES / max(average, 1))))

    def _execute(self, stack: ExitStack, sql: str, rows: int) -> Any:
        driver = adbc_driver_sqlite._driver_path()
        database = stack.enter_context(
            adbc.AdbcDatabase(driver=driver, uri=file_of(self.connection))
        )
        connection = stack.enter_context(adbc.AdbcConnection(database))
        statement = stack.enter_context(adbc.AdbcStatement(connection))
        statement.set_options(**{"adbc.sqlite.query.batch_rows": str(rows)})
        statement.set_sql_query(sql)
        handle, _ = statement.execute_query()
        return stack.enter_context(pa.RecordBatchReader._import_from_c(handle.address))


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (adbc.Error, pa.ArrowException, OSError) as error:
        raise Unsuited(f"a value is not of its column's type: {error}") from error


def _select(transfer: Transfer, readings: list[Reading]) -> str:
    """A row of seeds, then every row; at last how many of its values are not as declared."""
    seeds = ", ".join(reading.seed for reading in readings)
    names = [quote(column.name) for column in transfer.sources]
    bad = [r.bad.format(c=c) for r, c in zip(readings, names, strict=True) if r.bad]
    return (
        f"SELECT {seeds}, 0 UNION ALL SELECT {', '.join(names)}, {' + '.join(bad) or '0'}"  # noqa: S608
        f" FROM (\n{transfer.query.sql}\n)"
    )


def _check_types(schema: Any, transfer: Transfer, readings: list[Reading]) -> None:
    for column, reading, field in zip(transfer.sources, readings, schema, strict=False):
        if str(field.type) != reading.storage:
            raise Unsuited(f"column '{column.name}' holds values of another type than declared")


def _decoded(read: Any, transfer: Transfer, readings: list[Reading]) -> Iterator[Any]:
    skip = 1
    targets = [column.type for column in transfer.targets]
    names = [column.name for column in transfer.targets]
    for found in read:
        batch, skip = found.slice(skip), 0
        if batch.num_rows and pc.sum(batch.column(len(names))).as_py():
            raise Unsuited("a value is not of its column's type")
        arrays = [
            reading.decode(values, target)
            for reading, values, target in zip(readings, batch.columns, targets, strict=False)
        ]
        yield pa.record_batch(arrays, names)


def _reading(source: Column, target: Column, pending: Sequence[Coercion]) -> Reading:
    if not pending:
        return _plain_reading(source, target)
    refuse_uncoercible(source, target, pending)
    plain = _plain_reading(source, source)

    def decode(values: Any, wanted: ColumnType) -> Any:
        return coerced(plain.decode(values, source.type), pending, wanted)

    return replace(plain, decode=decode)


def _plain_reading(source: Column, target: Column) -> Reading:
    ours, theirs = source.type, target.type
    if ours.kind is not theirs.kind or ours.zoned is not theirs.zoned:
        raise Unsuited(f"column '{source.name}': {ours.native} becomes {theirs.native}")
    if ours.kind is Kind.DECIMAL:
        return _decimal_reading(source, theirs)
    try:
        return _READINGS[ours.kind]
    except KeyError:
        raise Unsuited(f"column '{source.name}' is {ours.native or 'untyped'}") from None


def _decimal_reading(source: Column, target: ColumnType) -> Reading:
    as_text = "TEXT" in source.type.native.upper()
    most = _DIGITS_OF_A_DECIMAL if as_text else _DIGITS_OF_A_DOUBLE
    if target.size is None or target.size > most or not 0 <= (target.scale or 0) <= target.size:
        raise Unsuited(f"column '{source.name}': {source.type.native} becomes {target.native}")
    return _DECIMAL_TEXT if as_text else _DECIMAL


def _as_it_is(values: Any, _: ColumnType) -> Any:
    return values


def _boolean(values: Any, _: ColumnType) -> Any:
    if pc.any(pc.or_(pc.less(values, 0), pc.greater(values, 1))).as_py():
        raise Unsuited("a boolean is neither 0 nor 1")
    return pc.cast(values, "bool")


def _decimal(values: Any, target: ColumnType) -> Any:
    """Of so few digits one decimal alone is nearest to a double: there and back is the proof."""
    scale = target.scale or 0
    unit = float(10**scale)
    digits = pc.cast(pc.round(pc.multiply(values, unit)), pa.int64())
    if pc.all(pc.equal(pc.divide(pc.cast(digits, pa.float64()), unit), values)).as_py() is False:
        raise Unsuited(f"a decimal has more digits than {target.native}")
    whole = pc.cast(digits, pa.decimal128(_DIGITS_OF_AN_INTEGER, 0))
    kind = pa.decimal128(_DIGITS_OF_AN_INTEGER, scale)
    decimals = pa.Array.from_buffers(kind, len(whole), whole.buffers(), offset=whole.offset)
    return pc.cast(decimals, pa.decimal128(target.size or 0, scale))


def _decimal_text(values: Any, target: ColumnType) -> Any:
    return pc.cast(values, pa.decimal128(target.size or 0, target.scale or 0))


def _date(values: Any, _: ColumnType) -> Any:
    return pc.cast(values, pa.date32())


def _time(values: Any, _: ColumnType) -> Any:
    """As the time of some day, which Arrow can parse."""
    shortest = pc.min(pc.utf8_length(values)).as_py()
    if shortest is not None and shortest < len("00:00"):
        raise Unsuited("a time of day has no minutes")
    moments = pc.cast(pc.binary_join_element_wise("1970-01-01", values, " "), pa.timestamp("us"))
    return pc.cast(moments, pa.time64("us"))


def _timestamp(values: Any, target: ColumnType) -> Any:
    return pc.cast(values, pa.timestamp("us", tz="UTC" if target.zoned else None))


def _uuid(values: Any, _: ColumnType) -> Any:
    """Only the form with hyphens."""
    count = len(values)
    text = "".join(pc.fill_null(values, "0" * 8 + "-0000-0000-0000-" + "0" * 12).to_pylist())
    digits = text.replace("-", "")
    dashes = all(text[place::_UUID_LENGTH] == "-" * count for place in _UUID_DASHES)
    if len(text) != count * _UUID_LENGTH or len(digits) != count * 32 or not dashes:
        raise Unsuited("a UUID is not in its form with hyphens")
    try:
        data = unhexlify(digits)
    except ValueError as error:
        raise Unsuited(f"a UUID has other digits: {error}") from error
    whole = pa.Array.from_buffers(pa.binary(16), count, [None, pa.py_buffer(data)])
    return pc.if_else(pc.is_valid(values), whole, pa.scalar(None, pa.binary(16)))


_NOT_TEXT = "({c} IS NOT NULL AND typeof({c}) <> 'text')"
_DECIMAL = Reading("0.0", "double", None, _decimal)
_DECIMAL_TEXT = Reading("''", "string", _NOT_TEXT, _decimal_text)
_READINGS: dict[Kind, Reading] = {
    Kind.INTEGER: Reading("0", "int64", None, _as_it_is),
    Kind.FLOAT: Reading("0.0", "double", "(typeof({c}) = 'integer')", _as_it_is),
    Kind.BOOLEAN: Reading("0", "int64", None, _boolean),
    Kind.TEXT: Reading("''", "string", _NOT_TEXT, _as_it_is),
    Kind.JSON: Reading("''", "string", _NOT_TEXT, _as_it_is),
    Kind.BYTES: Reading("x''", "binary", "({c} IS NOT NULL AND typeof({c}) <> 'blob')", _as_it_is),
    Kind.DATE: Reading("''", "string", None, _date),
    Kind.TIME: Reading("''", "string", None, _time),
    Kind.TIMESTAMP: Reading("''", "string", None, _timestamp),
    Kind.UUID: Reading("''", "string", None, _uuid),
}
