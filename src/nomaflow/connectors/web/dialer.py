"""Opens the connections of HTTP sessions: guarded, and such that all of them can be ended."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

import httpcore2
from httpcore2._backends.sync import SyncStream

from nomaflow.connectors.web.egress import Egress
from nomaflow.errors import StepRefused

SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)
Found = tuple[socket.AddressFamily, tuple[str, int]]
LookUp = Callable[..., Sequence[tuple[Any, ...]]]
"""Gives the addresses behind a name, as `socket.getaddrinfo` does."""
_ALWAYS: Final = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),  # a peer that is gone is noticed in the end
)


class Dialer(httpcore2.SyncBackend):
    """Connects only to addresses that the guard lets pass.

    A name is looked up once: the address that was checked is the one that is connected to. A name
    of which any address is refused is refused.
    """

    def __init__(self, egress: Egress, look_up: LookUp = socket.getaddrinfo) -> None:
        self._egress = egress
        self._look_up = look_up
        self._handles: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._has_hung_up = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002  # the library's signature
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore2.NetworkStream:
        found = self._looked_up(host, port)
        patience = None if timeout is None else timeout / len(found)
        failure: Exception = OSError("no address")
        for family, address in found:
            try:
                return self._connected(family, address, patience, socket_options or ())
            except TimeoutError as error:
                failure = httpcore2.ConnectTimeout(str(error))
            except OSError as error:
                failure = httpcore2.ConnectError(error.strerror or str(error))
        raise failure

    def hang_up(self) -> None:
        """End every connection, from any thread; no new one is made."""
        with self._lock:
            self._has_hung_up = True
            for handle in self._handles:
                with suppress(OSError):
                    handle.shutdown(socket.SHUT_RDWR)

    def _looked_up(self, host: str, port: int) -> list[Found]:
        """The addresses behind a name, all of them checked. Raises StepRefused, ConnectError."""
        try:
            answers = self._look_up(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"the name '{host}' is not known") from error
        found: list[Found] = [
            (family, (str(name[0]), int(name[1]))) for family, _, _, _, name in answers
        ]
        for _, (address, _) in found:
            if objection := self._egress.objection(address):
                shown = host if host == address else f"{host} ({address})"
                raise StepRefused(
                    f"{shown} {objection}, which no request may reach. If it is meant, add it to "
                    "'allow' of [egress] in app.toml."
                )
        return found

    def _connected(
        self,
        family: socket.AddressFamily,
        address: tuple[str, int],
        timeout: float | None,
        options: Iterable[SocketOption],
    ) -> "_Stream":
        connection = socket.socket(family, socket.SOCK_STREAM)
        handle = connection.dup()
        try:
            self._remember(handle)
            for option in (*_ALWAYS, *options):
                connection.setsockopt(*option)
            connection.settimeout(timeout)
            connection.connect(address)
        except BaseException:
            connection.close()
            self._forget(handle)
            raise
        return _Stream(connection, partial(self._forget, handle))

    def _remember(self, handle: socket.socket) -> None:
        with self._lock:
            if self._has_hung_up:
                raise ConnectionAbortedError("stopped")
            self._handles.add(handle)

    def _forget(self, handle: socket.socket) -> None:
        with self._lock:
            self._handles.discard(handle)
            handle.close()


class _Stream(SyncStream):
    """A connection that tells when it closes. Its TLS has another socket, but the same handle."""

    def __init__(self, connection: socket.socket, on_close: Callable[[], None]) -> None:
        super().__init__(connection)
        self._on_close = on_close

    def close(self) -> None:
        super().close()
        self._on_close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "_Stream":
        secured = super().start_tls(ssl_context, server_hostname, timeout)
        return _Stream(secured.get_extra_info("socket"), self._on_close)
