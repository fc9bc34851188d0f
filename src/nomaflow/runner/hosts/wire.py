"""Frames over a socket: a length of four bytes, then the body.

To the child a body is a pickled tuple: the parent is trusted. From the child it is JSON: user
code runs there, and nothing that it made is unpickled here.
"""

import json
import pickle
import socket
import struct
from typing import Any, Final

HEADER: Final = struct.Struct("!I")


class Hangup(Exception):
    """The other end is gone."""


class ChildWire:
    """The child's end; it blocks."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, body: bytes) -> None:
        """Raises OSError when the parent is gone."""
        self._end.sendall(framed(body))

    def receive(self) -> tuple[Any, ...]:
        """The parent's next message. Raises Hangup."""
        (length,) = HEADER.unpack(self._exactly(HEADER.size))
        message: tuple[Any, ...] = pickle.loads(self._exactly(length))  # noqa: S301  # the parent's
        return message

    def _exactly(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            part = self._end.recv(min(length - len(parts), 1 << 20))
            if not part:
                raise Hangup
            parts += part
        return bytes(parts)


def encoded(message: dict[str, Any]) -> bytes:
    """A child's message; what JSON does not know becomes text."""
    return json.dumps(message, default=str).encode()


def framed(body: bytes) -> bytes:
    return HEADER.pack(len(body)) + body
