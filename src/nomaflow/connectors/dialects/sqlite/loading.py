"""Parses CSV into Arrow record batches, and writes them into a SQLite file (the extra `arrow`)."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import adbc_driver_manager as adbc
import adbc_driver_sqlite
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from nomaflow.connectors.copies import Unsuited
from nomaflow.connectors.tables import Column, ColumnType, Kind

_BEGINNING: Final = {  # of the year 1
    pa.date32(): -719_162,
    pa.timestamp("us"): -62_135_596_800_000_000,
}
_PREPARED: Final = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "BEGIN")
_STORED: Final = {
    Kind.INTEGER: pa.int64(),
    Kind.BOOLEAN: pa.int64(),
    Kind.FLOAT: pa.float64(),
}
_PARSING: Final = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)


class Loading:
    """The columns that are read and written, in this order."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._names = [f"c{place}" for place, _ in enumerate(columns)]
        kinds = [column.type.kind for column in columns]
        self._conversion = csv.ConvertOptions(
            column_types={
                name: _STORED.get(kind, pa.string())
                for name, kind in zip(self._names, kinds, strict=True)
            },
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        places = ", ".join("unhex(substr(?, 3))" if kind is Kind.BYTES else "?" for kind in kinds)
        self._create = f"CREATE TABLE stash ({', '.join(self._names)})"
        self._insert = f"INSERT INTO stash VALUES ({places})"  # noqa: S608 - no input in it

    def parsed(self, parts: Iterable[tuple[bytes, int]]) -> Generator[Any, None, None]:
        """A batch for each part; raises Unsuited for a value that rows one by one must look at."""
        for data, rows in parts:
            try:
                batch = self._parsed(data)
            except pa.ArrowException as error:
                raise Unsuited(str(error)) from error
            if batch.num_rows != rows:
                raise Unsuited(f"{rows} rows are {batch.num_rows} lines of CSV")
            yield batch

    def _parsed(self, data: bytes) -> Any:
        reading = csv.ReadOptions(
            use_threads=False, block_size=len(data) + 1, column_names=self._names
        )
        table = csv.read_csv(pa.BufferReader(data), reading, _PARSING, self._conversion)
        (batch,) = table.combine_chunks().to_batches()
        arrays = [
            _CHECKS.get(column.type.kind, _as_it_is)(values, column.type)
            for values, column in zip(batch.columns, self._columns, strict=True)
        ]
        return pa.record_batch(arrays, self._names)

    @contextmanager
    def into(self, file: str) -> Iterator[Callable[[Any], int]]:
        """Make the table `stash` in a new file; what is called takes a batch, and counts rows."""
        with _refusals(), ExitStack() as stack:
            driver = adbc_driver_sqlite._driver_path()
            database = stack.enter_context(adbc.AdbcDatabase(driver=driver, uri=file))
            connection = stack.enter_context(adbc.AdbcConnection(database))
            for sql in (*_PREPARED, self._create):
                _execute(connection, sql)
            statement = stack.enter_context(adbc.AdbcStatement(connection))
            statement.set_sql_query(self._insert)
            statement.prepare()

            def write(batch: Any) -> int:
                statement.bind(*batch.__arrow_c_array__()[::-1])
                return int(statement.execute_update())

            yield write
            _execute(connection, "COMMIT")


def _execute(connection: Any, sql: str) -> None:
    with adbc.AdbcStatement(connection) as statement:
        statement.set_sql_query(sql)
        statement.execute_update()


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except adbc.Error as error:
        raise Unsuited(str(error)) from error


def _as_it_is(values: Any, _: ColumnType) -> Any:
    return values


def _boolean(values: Any, _: ColumnType) -> Any:
    if pc.any(pc.or_(pc.less(values, 0), pc.greater(values, 1))).as_py():
        raise Unsuited("a boolean is neither 0 nor 1")
    return values


def _finite(values: Any, _: ColumnType) -> Any:
    if pc.all(pc.is_finite(pc.cast(values, pa.float64()))).as_py() is False:
        raise Unsuited("a decimal is not finite")
    return values


def _number(values: Any, _: ColumnType) -> Any:
    if pc.any(pc.is_nan(values)).as_py():
        raise Unsuited("a number is NaN, which SQLite turns into NULL")
    return values


def _date(values: Any, _: ColumnType) -> Any:
    _refuse_before_all(pc.cast(values, pa.date32()))
    return values


def _time(values: Any, _: ColumnType) -> Any:
    pc.cast(pc.binary_join_element_wise("1970-01-01", values, " "), pa.timestamp("us"))
    return _without_last_zeros(values)


def _timestamp(values: Any, declared: ColumnType) -> Any:
    _refuse_before_all(pc.cast(values, pa.timestamp("us")))
    shown = _without_last_zeros(values)
    return pc.binary_join_element_wise(shown, "+00:00", "") if declared.zoned else shown


def _refuse_before_all(moments: Any) -> None:
    first = pc.min(moments).value
    if first is not None and first < _BEGINNING[moments.type]:
        raise Unsuited("a date lies before the year 1")


def _without_last_zeros(values: Any) -> Any:
    """Of the fraction of a second."""
    fractions = pc.match_substring(values, ".")
    if not pc.any(fractions).as_py():
        return values
    shown = pc.utf8_rtrim(pc.utf8_rtrim(values, "0"), ".")
    return pc.if_else(fractions, shown, values)


_CHECKS: Final[dict[Kind, Callable[[Any, ColumnType], Any]]] = {
    Kind.BOOLEAN: _boolean,
    Kind.DECIMAL: _finite,
    Kind.FLOAT: _number,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.TIMESTAMP: _timestamp,
}
