"""Brings rows into a stash: arrays of parameters, whose types are said and never guessed."""

import re
from collections.abc import Sequence
from typing import Any, Final

import mssql_python

from nomaflow.connectors.dialects.mssql.failures import failure
from nomaflow.connectors.dialects.mssql.types import is_text, quote
from nomaflow.connectors.tables import Column, Kind, Row, Rows
from nomaflow.connectors.values import BadValue

_ROWS_AT_ONCE: Final = 1000
_COLUMN: Final = re.compile(r"column '([^']+)'")
_SHORTEST: Final = 1
_LARGEST_PRECISION: Final = 38
_CAST: Final = frozenset({Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.UUID})
_SQL_TYPES: Final = {
    Kind.INTEGER: mssql_python.SQL_BIGINT,
    Kind.FLOAT: mssql_python.SQL_DOUBLE,
    Kind.BOOLEAN: mssql_python.SQL_BIT,
    Kind.BYTES: mssql_python.SQL_VARBINARY,
}


class Loading:
    """One stash, and the columns that rows bring, in this order."""

    def __init__(self, connection: Any, stash: str, columns: Sequence[Column]) -> None:
        self._connection = connection
        self._columns = columns
        names = ", ".join(quote(column.name) for column in columns)
        items = ", ".join(map(_item, columns))
        self._insert = f"INSERT INTO {stash} ({names}) VALUES ({items})"  # noqa: S608 - quoted

    def write(self, rows: Rows) -> int:
        """Returns how many rows arrived; they stay. Raises BadValue."""
        for begin in range(0, len(rows), _ROWS_AT_ONCE):
            part = rows[begin : begin + _ROWS_AT_ONCE]
            try:
                self._send(part)
            except mssql_python.Error as error:
                if failure(error).unreachable:
                    raise
                self._connection.rollback()
                raise self._bad_value(part, begin) or error from None
            self._connection.commit()
        return len(rows)

    def _send(self, rows: Rows) -> None:
        sizes = [
            _size(column, values)
            for column, values in zip(self._columns, zip(*rows, strict=True), strict=True)
        ]
        with self._connection.cursor() as cursor:
            cursor.setinputsizes(sizes)
            cursor.executemany(self._insert, rows)

    def _bad_value(self, rows: Rows, before: int) -> BadValue | None:
        """The first row that SQL Server refuses, when each comes alone."""
        for place, row in enumerate(rows):
            if reason := self._refusal(row):
                column = _COLUMN.search(reason)
                return BadValue(
                    before + place, f"does not fit: {reason}", column[1] if column else None
                )
        return None

    def _refusal(self, row: Row) -> str | None:
        try:
            self._send([row])
        except mssql_python.Error as error:
            return failure(error).message
        finally:
            self._connection.rollback()
        return None


def _item(column: Column) -> str:
    """What stands for a value of the column; a canonical instant ends in `+00`."""
    if column.type.kind not in _CAST or is_text(column.type):
        return "?"
    value = "? + N':00'" if column.type.zoned else "?"
    return f"CAST({value} AS {column.type.native})"


def _size(column: Column, values: Sequence[Any]) -> tuple[int, int, int]:
    """The parameter's type for the driver, with its size and digits."""
    declared = column.type
    if declared.kind is Kind.DECIMAL and not is_text(declared):
        return mssql_python.SQL_DECIMAL, declared.size or _LARGEST_PRECISION, declared.scale or 0
    if declared.kind in _SQL_TYPES:
        return _SQL_TYPES[declared.kind], 0, 0
    longest = max((_utf16_length(value) for value in values if value), default=_SHORTEST)
    return mssql_python.SQL_WVARCHAR, max(longest, _SHORTEST), 0


def _utf16_length(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode("utf-16-le")) // 2
