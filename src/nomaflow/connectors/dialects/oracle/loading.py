"""Brings rows into a stash: arrays of parameters, whose types are said and never guessed."""

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

import oracledb

from nomaflow.connectors.dialects.oracle.types import DAY, quote
from nomaflow.connectors.tables import Column, ColumnType, Kind, Rows
from nomaflow.connectors.values import BadValue

_COLUMN: Final = re.compile(r'column "?[^".]*"?\."[^"]*"\."(?P<name>[^"]+)"')
_LONG: Final = {
    "CLOB": oracledb.DB_TYPE_LONG,
    "NCLOB": oracledb.DB_TYPE_LONG_NVARCHAR,
    "BLOB": oracledb.DB_TYPE_LONG_RAW,
}
_TYPES: Final = {
    Kind.INTEGER: oracledb.DB_TYPE_NUMBER,
    Kind.DECIMAL: oracledb.DB_TYPE_NUMBER,
    Kind.FLOAT: oracledb.DB_TYPE_BINARY_DOUBLE,
    Kind.BYTES: oracledb.DB_TYPE_RAW,
}


class Loading:
    """One stash, and the columns that rows bring, in this order."""

    def __init__(self, connection: Any, stash: str, columns: Sequence[Column]) -> None:
        """Long values come last in the statement: the server reads nothing behind them."""
        self._connection = connection
        order = sorted(range(len(columns)), key=lambda n: columns[n].type.native in _LONG)
        self._arranged = None if order == sorted(order) else itemgetter(*order)
        arranged = [columns[place] for place in order]
        names = ", ".join(quote(column.name) for column in arranged)
        items = ", ".join(_item(column.type, n) for n, column in enumerate(arranged, 1))
        self._insert = f"INSERT INTO {stash} ({names}) VALUES ({items})"  # noqa: S608 - quoted
        self._types = [_bound_as(column.type) for column in arranged]

    def write(self, rows: Rows) -> int:
        """Returns how many rows arrived; they stay. Raises BadValue."""
        with self._connection.cursor() as cursor:
            cursor.setinputsizes(*self._types)
            arranged = rows if self._arranged is None else list(map(self._arranged, rows))
            cursor.executemany(self._insert, arranged, batcherrors=True)
            errors = cursor.getbatcherrors()
            written = int(cursor.rowcount)
        if errors:
            self._connection.rollback()
            raise _bad_value(errors[0])
        self._connection.commit()
        return written


def _bad_value(error: Any) -> BadValue:
    said = str(error.message).partition("\n")[0].strip()
    column = _COLUMN.search(said)
    return BadValue(int(error.offset), f"does not fit: {said}", column["name"] if column else None)


def _item(column: ColumnType, place: int) -> str:
    """What stands for a value of the column."""
    if column.native == "JSON":
        return f"JSON(:{place})"
    if column.kind is Kind.DATE:
        return f"TO_DATE(:{place}, 'YYYY-MM-DD')"
    if column.kind is not Kind.TIMESTAMP:
        return f":{place}"
    if column.native == "DATE":
        return f"TO_DATE(:{place}, '{DAY}')"
    if column.zoned:
        return f"TO_TIMESTAMP_TZ(:{place}, '{DAY}.FF9TZH')"
    return f"TO_TIMESTAMP(:{place}, '{DAY}{'.FF9' if column.size else ''}')"


def _bound_as(column: ColumnType) -> Any:
    if column.native in _LONG:
        return _LONG[column.native]
    if column.native == "JSON":
        return oracledb.DB_TYPE_CLOB
    if column.kind is Kind.BOOLEAN:
        plain = column.native == "BOOLEAN"
        return oracledb.DB_TYPE_BOOLEAN if plain else oracledb.DB_TYPE_NUMBER
    if column.native.startswith(("NCHAR", "NVARCHAR2")):
        return oracledb.DB_TYPE_NVARCHAR
    return _TYPES.get(column.kind, oracledb.DB_TYPE_VARCHAR)
