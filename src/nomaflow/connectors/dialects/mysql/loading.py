"""Brings rows into a stash: by LOAD DATA LOCAL, or by INSERT where the server forbids that.

LOAD DATA LOCAL bends values that do not fit, leaves out rows whose key is there already, and only
warns of it. So nothing counts that the server says a word about.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import pymysql
from pymysql.constants import CLIENT

from nomaflow.connectors.dialects.mysql.catalogue import Connection, fetch
from nomaflow.connectors.dialects.mysql.expressions import quote
from nomaflow.connectors.dialects.mysql.feed import feed
from nomaflow.connectors.dialects.mysql.types import is_bits
from nomaflow.connectors.tables import Column, Kind, Rows
from nomaflow.connectors.values import BadValue
from nomaflow.errors import StepFailed

_NULL: Final = "\\N"
_ESCAPED: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\0": "\\0"})
_AS_WE_ESCAPE: Final = r"TERMINATED BY '\t' ESCAPED BY '\\'"
_CSV: Final = "TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''"
_BEHIND_THE_PREFIX: Final = 3
_COLUMN: Final = re.compile(r"column (?:`[^`]*`\.)*['`]?([^'`]+)['`]? at row")
_ROW: Final = re.compile(r"at row (\d+)")
_ENTRY: Final = re.compile(r"Duplicate entry '(?P<value>.*)' for key '(?P<key>.*)'", re.DOTALL)
_TWINS: Final = 1062
_INDEXED: Final = 4
_ROWS_IN_AN_INSERT: Final = 200
_SHARE_OF_A_PACKET: Final = 4
_FIXED_BYTES: Final = 8


class Refused(Exception):
    """The server's words on what it was to load; `row` counts from 0, if it names one."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        row, column = _ROW.search(message), _COLUMN.search(message)
        self.row = int(row[1]) - 1 if row else None
        self.column = column[1] if column else None


def local_infile(connection: Connection) -> bool:
    """Whether server and connection allow LOAD DATA LOCAL."""
    allowed = fetch(connection, "SELECT @@local_infile") == [(1,)]
    return allowed and bool(connection.client_flag & CLIENT.LOCAL_FILES)


class Loading:
    """One stash, and the columns that rows bring, in this order."""

    def __init__(self, connection: Connection, stash: str, columns: Sequence[Column]) -> None:
        self._connection = connection
        self._stash = stash
        self._columns = columns
        self._fields = [_field(column) for column in columns]
        self.by_file = local_infile(connection)

    def write(self, rows: Rows) -> int:
        """Returns how many rows arrived. Raises BadValue or Refused."""
        if not self.by_file:
            return sum(self._insert(part, before) for before, part in self._packets(rows))
        try:
            return self._load([self._text(rows)], _AS_WE_ESCAPE, "UNHEX({})")
        except Refused as refused:
            raise self._blamed(refused, 0) from None

    def load_csv(self, chunks: Iterable[bytes]) -> int:
        """Returns how many rows arrived. Raises Refused, and what the chunks raise."""
        return self._load(chunks, _CSV, f"UNHEX(SUBSTR({{}}, {_BEHIND_THE_PREFIX}))")

    def _load(self, chunks: Iterable[bytes], fields: str, decoding: str) -> int:
        """Load text whose FIELDS are like that, and whose binary values are decoded."""
        with feed(chunks) as path:
            written = self._load_file(path, fields, decoding)
        self._refuse_warnings()
        return written

    def _load_file(self, path: str, fields: str, decoding: str) -> int:
        hexed = [number for number, column in enumerate(self._columns) if is_hexed(column)]
        names = [quote(column.name) for column in self._columns]
        into = ", ".join(f"@v{n}" if n in hexed else name for n, name in enumerate(names))
        turned = ", ".join(f"{names[n]} = {decoding.format(f'@v{n}')}" for n in hexed)
        driver: Any = self._connection
        driver._local_infile = True  # the server may ask for files only now
        try:
            return self._execute(
                f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {self._stash}"
                f" CHARACTER SET utf8mb4 FIELDS {fields} ({into})" + (turned and f" SET {turned}")
            )
        finally:
            driver._local_infile = False

    def _text(self, rows: Rows) -> bytes:
        columns = zip(*rows, strict=True)
        turned = [map(field, values) for field, values in zip(self._fields, columns, strict=True)]
        lines = map("\t".join, zip(*turned, strict=True))
        return "".join(f"{line}\n" for line in lines).encode()

    def _packets(self, rows: Rows) -> Iterator[tuple[int, Rows]]:
        """Rows for one INSERT each, and how many come before them."""
        ((limit,),) = fetch(self._connection, "SELECT @@max_allowed_packet")
        begin = size = 0
        for number, row in enumerate(rows):
            size += sum(len(v) if isinstance(v, str | bytes) else _FIXED_BYTES for v in row)
            if number - begin == _ROWS_IN_AN_INSERT or size * _SHARE_OF_A_PACKET > limit:
                yield begin, rows[begin : number + 1]
                begin, size = number + 1, 0
        if begin < len(rows):
            yield begin, rows[begin:]

    def _insert(self, rows: Rows, before: int) -> int:
        names = ", ".join(quote(column.name) for column in self._columns)
        places = f"({', '.join('%s' for _ in self._columns)})"
        values = ", ".join([places] * len(rows))
        sql = f"INSERT INTO {self._stash} ({names}) VALUES {values}"  # noqa: S608 - quoted
        try:
            written = self._execute(sql, [value for row in rows for value in row])
            self._refuse_warnings()
        except pymysql.MySQLError as error:
            refused = Refused(int(error.args[0]), str(error.args[-1]))
            if refused.row is None and refused.code != _TWINS:
                raise
            raise self._blamed(refused, before) from None
        except Refused as refused:
            raise self._blamed(refused, before) from None
        return written

    def _execute(self, sql: str, values: Sequence[Any] | None = None) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values)
            return int(cursor.rowcount)

    def _refuse_warnings(self) -> None:
        for _, code, message in fetch(self._connection, "SHOW WARNINGS LIMIT 1"):
            raise Refused(code, message)

    def _blamed(self, refused: Refused, before: int) -> Exception:
        """A row that does not fit, or what is said of all rows."""
        if refused.code == _TWINS:
            return self._twins(str(refused))
        if refused.row is None:
            return StepFailed(f"{refused}. The target is unchanged.")
        return BadValue(before + refused.row, f"does not fit: {refused}", refused.column)

    def _twins(self, message: str) -> StepFailed:
        entry = _ENTRY.search(message)
        assert entry is not None  # noqa: S101 - the message of this code has these words
        key = entry["key"].rpartition(".")[2]
        found = fetch(self._connection, f"SHOW INDEX FROM {self._stash} WHERE Key_name = %s", [key])
        names = ", ".join(row[_INDEXED] for row in found)
        return StepFailed(
            f"The source has more than one row with {names} = {entry['value']}, which is unique in "
            "the target. The target is unchanged."
        )


def is_hexed(column: Column) -> bool:
    """Whether the values are bytes that no character set may touch."""
    return column.type.kind is Kind.BYTES or is_bits(column.type)


def _field(column: Column) -> Callable[[Any], str]:
    if is_bits(column.type):
        return _bits
    return _hexadecimal if column.type.kind is Kind.BYTES else _characters


def _bits(value: Any) -> str:
    if value is None or isinstance(value, bytes):
        return _hexadecimal(value)
    return f"{int(value):016x}"


def _hexadecimal(value: bytes | None) -> str:
    return _NULL if value is None else value.hex()


def _characters(value: Any) -> str:
    """Of a text, or of a number, whose every digit Python writes."""
    if value is None:
        return _NULL
    return value.translate(_ESCAPED) if isinstance(value, str) else str(value)
