"""HTTP servers that tests start: what a path does is a function of the test."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Route = Callable[["Exchange"], None]


class Exchange(BaseHTTPRequestHandler):
    """One request, and the means to answer it."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the client went away, as some tests want it
            self.close_connection = True

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer; underscores in the names of headers stand for dashes."""
        self.head(status, Content_Length=str(len(body)), **headers)
        self.wfile.write(body)

    def head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def _serve(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        self.server.seen.append(Seen(self.command, self.path, dict(self.headers), self.body))
        route = self.server.routes.get(path)
        if route is None:
            self.answer(404, b"no such page")
        else:
            route(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  # the library's names


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Server(ThreadingHTTPServer):
    daemon_threads = True
    routes: Mapping[str, Route]
    seen: list[Seen]

    def handle_error(self, request: object, client_address: object) -> None:
        """A handshake that a client refuses is no error here."""


@dataclass
class Web:
    """A server that runs."""

    url: str
    port: int
    seen: list[Seen] = field(default_factory=list)


@contextmanager
def a_web(
    routes: Mapping[str, Route], *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[Web]:
    """A server on a free port, with TLS or without."""
    server = Server((host, 0), Exchange)
    server.routes, server.seen = routes, []
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    port = server.server_address[1]
    try:
        scheme = "https" if tls else "http"
        yield Web(f"{scheme}://{host}:{port}", port, server.seen)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
