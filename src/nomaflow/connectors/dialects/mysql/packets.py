"""The rows of a query, as the server sends them: packets of fields with their lengths.

The driver makes an object of each packet and calls several functions for each field, which is most
of the time that a table takes to be read. This takes the packets from where the driver reads them.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from struct import Struct
from typing import Any, Final, TypeVar

import pymysql
from pymysql.constants import CR
from pymysql.cursors import SSCursor
from pymysql.protocol import MysqlPacket

from nomaflow.connectors.dialects.mysql.catalogue import Connection
from nomaflow.connectors.dialects.mysql.session import stop_sending

Fields = list[bytes | None]
_Packet = TypeVar("_Packet")

_READ_BYTES: Final = 64 * 1024
_HEADER: Final = 4
_LONGEST_PACKET: Final = 0xFFFFFF
_LONGEST_END: Final = 9
_NULL, _TWO_BYTES, _THREE_BYTES, _EIGHT_BYTES = 0xFB, 0xFC, 0xFD, 0xFE
_END, _ERROR = 0xFE, 0xFF
_SIZE: Final = Struct("<I")
_LENGTHS: Final = {
    _TWO_BYTES: (3, Struct("<xH")),
    _THREE_BYTES: (4, _SIZE),
    _EIGHT_BYTES: (9, Struct("<xQ")),
}


class Result:
    """An unbuffered result: what is not read yet stays at the server."""

    def __init__(self, connection: Connection, sql: str) -> None:
        self._connection: Any = connection
        self._rest = b""
        cursor: Any = connection.cursor(SSCursor)
        cursor.execute(sql)
        self._result: Any = cursor._result
        self._cursor = cursor  # it reads the rest when it is let go

    def rows(self) -> Generator[list[Fields], None, None]:
        """All rows, in lists of as many as came at once."""
        return self._read(fields)

    def lines(self) -> Generator[list[bytes | None], None, None]:
        """The first column of all rows, in lists of as many as came at once."""
        return self._read(first_field)

    def close(self) -> None:
        """What was not read is not sent any more."""
        if self._result.unbuffered_active:
            stop_sending(self._connection)
            self._result.unbuffered_active = self._connection.open
            with suppress(pymysql.MySQLError):
                for _ in self._packets():
                    pass

    def _read(self, parse: Callable[[bytes], _Packet]) -> Generator[list[_Packet], None, None]:
        for packets in self._packets():
            if packets:
                yield list(map(parse, packets))

    def _packets(self) -> Iterator[list[bytes]]:
        """The rows' packets, until the one that ends them. Raises the driver's errors."""
        while self._result.unbuffered_active:
            packets, self._rest = split(self._rest + self._received(len(self._rest)))
            last = packets[-1] if packets else b""
            if last[:1] == b"\xff" or (last[:1] == b"\xfe" and len(last) < _LONGEST_END):
                self._finish(packets.pop())
            yield packets

    def _received(self, waiting: int) -> bytes:
        """More than there is already, so that a long row is not looked at again and again."""
        try:
            data: bytes = self._connection._rfile.read1(max(_READ_BYTES, waiting))
        except OSError as error:
            data, reason = b"", f" ({error})"
        else:
            reason = ""
        if not data:
            self._result.unbuffered_active = False
            self._connection._force_close()
            message = f"Lost connection to MySQL server during query{reason}"
            raise pymysql.OperationalError(CR.CR_SERVER_LOST, message)
        return data

    def _finish(self, last: bytes) -> None:
        self._result.unbuffered_active = False
        self._result.connection = None
        packet: Any = MysqlPacket(last, self._connection.encoding)
        if packet.is_error_packet():
            packet.raise_for_error()


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """Whole packets without their headers, and what there is of the next one."""
    packets = []
    position, end, size_at = 0, len(data), _SIZE.unpack_from
    while position + _HEADER <= end:
        size = size_at(data, position)[0] & _LONGEST_PACKET
        after = position + _HEADER + size
        if after > end:
            break
        if size == _LONGEST_PACKET:
            body, after = _joined(data, position)
            if body is None:
                break
            packets.append(body)
        else:
            packets.append(data[position + _HEADER : after])
        position = after
    return packets, data[position:]


def _joined(data: bytes, position: int) -> tuple[bytes | None, int]:
    """A row of more than 16 MiB, which comes in several packets; None: the last is not here."""
    parts, size = [], _LONGEST_PACKET
    while size == _LONGEST_PACKET:
        if position + _HEADER > len(data):
            return None, position
        size = _SIZE.unpack_from(data, position)[0] & _LONGEST_PACKET
        start, position = position + _HEADER, position + _HEADER + size
        parts.append(data[start:position])
    return (b"".join(parts), position) if position <= len(data) else (None, position)


def fields(packet: bytes) -> Fields:
    """The values of a row; None is NULL."""
    values: Fields = []
    position, end = 0, len(packet)
    while position < end:
        length = packet[position]
        position += 1
        if length == _NULL:
            values.append(None)
            continue
        if length > _NULL:
            width, form = _LENGTHS[length]
            length, position = _length(packet, position - 1, form), position - 1 + width
        after = position + length
        values.append(packet[position:after])
        position = after
    return values


def first_field(packet: bytes) -> bytes | None:
    """The only value of a row."""
    length = packet[0]
    if length < _NULL:
        return packet[1:]
    return None if length == _NULL else packet[_LENGTHS[length][0] :]


def _length(packet: bytes, position: int, form: Struct) -> int:
    (length,) = form.unpack_from(packet, position)
    return length >> 8 if form is _SIZE else int(length)
