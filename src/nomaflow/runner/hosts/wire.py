"""Messages between a child process and its parent, over a socket.

To the child goes a pickled tuple behind its length: the parent is trusted. From the child comes
one JSON value per line, an array for a log line, else an object: user code runs there, and nothing
that it made is unpickled here. A line is on its way before the call that logs it returns, so that
a sudden end loses none; when the parent reads slowly, that call waits.
"""

import json
import pickle
import socket
import struct
import threading
from typing import Any, Final

_LENGTH: Final = struct.Struct("!I")
_BUFFER: Final = 1 << 20


class Hangup(Exception):
    """The parent is gone."""


class ChildWire:
    """The child's end; it blocks. Any thread may send, one receives."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self._sending = threading.Lock()

    def send(self, message: bytes) -> None:
        """Send what `encoded` gave. Raises OSError when the parent is gone."""
        with self._sending:
            self._end.sendall(message)

    def receive(self) -> tuple[Any, ...]:
        """The parent's next message. Raises Hangup."""
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        message: tuple[Any, ...] = pickle.loads(self._exactly(length))  # noqa: S301  # the parent's
        return message

    def _exactly(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            part = self._end.recv(min(length - len(parts), _BUFFER))
            if not part:
                raise Hangup
            parts += part
        return bytes(parts)


def encoded(message: dict[str, Any] | tuple[str, str, str, float]) -> bytes:
    """A child's message. Raises TypeError or ValueError for what JSON does not know."""
    return json.dumps(message).encode() + b"\n"


def decoded(lines: list[bytes]) -> list[Any]:
    """The messages in whole lines of a child."""
    messages: list[Any] = json.loads(b"[" + b",".join(lines) + b"]")
    return messages


def to_child(message: tuple[Any, ...]) -> bytes:
    body = pickle.dumps(message)
    return _LENGTH.pack(len(body)) + body
