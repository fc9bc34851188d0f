"""A small web service for the examples: what it answers, and what it was sent."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Request:
    """What came in. Names of headers are in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What goes out, as JSON."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def sample_service(home: Path, name: str, answer: Callable[[Request], Reply]) -> Iterator[None]:
    """Serve while the context is open, and let the home's connector of that name lead there."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            size = int(self.headers.get("content-length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, self.rfile.read(size))
            reply = answer(request)
            body = json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = handle_any  # noqa: N815 - the names that the server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing: the example's own output is what one reads."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    lead(home, name, f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def lead(home: Path, name: str, address: str) -> None:
    """Have the home's connector of that name lead to the address."""
    connectors = home / "connectors.toml"
    text = connectors.read_text(encoding="utf-8")
    setting = rf'(?s)(\[connectors\.{name}\].*?\n(?:base_url|server) = )"[^"]*"'
    connectors.write_text(re.sub(setting, rf'\1"{address}"', text, count=1), encoding="utf-8")
