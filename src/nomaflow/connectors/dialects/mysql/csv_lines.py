"""Reads a table as CSV that the server itself writes: one text for each row.

A value that no CSV can be made of makes the text of its whole row NULL, so that no field is ever
taken for NULL that is none.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final

import pymysql

from nomaflow.connectors.copies import Lines, OnCancel, SourceFailed, Transfer, Unsuited
from nomaflow.connectors.dialects.mysql.catalogue import Connection
from nomaflow.connectors.dialects.mysql.expressions import quote
from nomaflow.connectors.dialects.mysql.packets import Result
from nomaflow.connectors.dialects.mysql.types import is_bits
from nomaflow.connectors.tables import Column, ColumnType, Kind

_OUT_OF_RANGE: Final = 1690
_SINGLE: Final = 32
_LENGTHENED: Final = frozenset({Kind.TEXT, Kind.JSON, Kind.BYTES})
# No UTF-8 text has these bytes. Between them stands the number of a column, whose value is a zero
# date, and the field NULL.
_BLANK: Final = re.compile(rb"\xff(\d+)\xfe")


@dataclass(frozen=True)
class MysqlCsv:
    """One connection with an open snapshot."""

    connection: Connection

    def refuse(self, transfer: Transfer) -> None:
        for column, target in zip(transfer.sources, transfer.targets, strict=True):
            single = column.type.kind is Kind.FLOAT and column.type.size == _SINGLE
            if column.type.kind not in _WRITERS or (single and target.type.size != _SINGLE):
                raise Unsuited(f"column '{column.name}' is {column.type.native}")

    @contextmanager
    def opened(
        self,
        transfer: Transfer,
        null: str,
        on_cancel: OnCancel,  # noqa: ARG002 - the source's own connection reads
    ) -> Iterator[Iterator[Lines]]:
        with _failures():
            result = Result(self.connection, _select(transfer, null))
        with closing(result):
            yield _lines(result, [column.name for column in transfer.targets], null.encode())


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except pymysql.MySQLError as error:
        if error.args and error.args[0] == _OUT_OF_RANGE:
            raise Unsuited(f"a value cannot be coerced: {error.args[-1]}") from error
        raise SourceFailed(error) from error


def _lines(result: Result, names: list[str], null: bytes) -> Iterator[Lines]:
    for rows in _read(result):
        whole = [row for row in rows if row is not None]
        if len(whole) < len(rows):
            raise Unsuited("a row is longer than the server's max_allowed_packet")
        data = b"\n".join((*whole, b""))
        blanks: Counter[str] = Counter()
        if b"\xff" in data:
            blanks.update(names[int(number)] for number in _BLANK.findall(data))
            data = _BLANK.sub(null, data)
        yield Lines(data, len(rows), blanks)


def _read(result: Result) -> Iterator[list[bytes | None]]:
    with _failures():
        yield from result.lines()


def _select(transfer: Transfer, null: str) -> str:
    pairs = zip(transfer.sources, transfer.targets, strict=True)
    fields = (_field(number, *pair, null) for number, pair in enumerate(pairs))
    row = ", ',', ".join(fields)
    return f"SELECT CONCAT({row}, CONVERT('' USING binary)) FROM (\n{transfer.query.sql}\n) AS q"  # noqa: S608


def _field(number: int, source: Column, target: Column, null: str) -> str:
    """SQL for one field: a date without year, month or day is NULL, too, if the target allows that.

    Where it does not a zero date stays as it is, which no other database takes.
    """
    name = quote(source.name)
    field = _WRITERS[source.type.kind](name, source.type)
    if source.type.kind in {Kind.DATE, Kind.TIMESTAMP} and target.nullable:
        mark = f"0xFF{str(number).encode().hex()}FE"
        parts = f"YEAR({name}), MONTH({name}), DAYOFMONTH({name})"
        field = f"IF(0 IN ({parts}), {mark}, {field})"
    if not source.nullable:
        return field
    may_be_too_long = source.type.kind in _LENGTHENED
    return (
        f"IF({name} IS NULL, '{null}', {field})"
        if may_be_too_long
        else f"IFNULL({field}, '{null}')"
    )


def _number(name: str, column: ColumnType) -> str:
    return f"{name} + 0" if is_bits(column) else name


def _plain(name: str, _: ColumnType) -> str:
    return f"CONVERT({name} USING binary)"


def _text(name: str, _: ColumnType) -> str:
    """In bytes of UTF-8, which are quicker to look at than characters."""
    value = f"CONVERT(CONVERT({name} USING utf8mb4) USING binary)"
    return f"""CONCAT('"', REPLACE({value}, '"', '""'), '"')"""


def _bytes(name: str, _: ColumnType) -> str:
    return f"""CONCAT('"\\\\x', HEX({name}), '"')"""


_WRITERS: Final[dict[Kind, Callable[[str, ColumnType], str]]] = {
    Kind.INTEGER: _number,
    Kind.DECIMAL: _number,
    Kind.FLOAT: _number,
    Kind.BOOLEAN: _number,
    Kind.TEXT: _text,
    Kind.JSON: _text,
    Kind.BYTES: _bytes,
    Kind.DATE: _plain,
    Kind.TIME: _plain,
    Kind.TIMESTAMP: _plain,
    Kind.UUID: _plain,
}
