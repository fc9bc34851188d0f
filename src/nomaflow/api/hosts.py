"""Under which names the server answers: a web page of others cannot reach it by a name of theirs.

A page may make its own name lead to this machine (DNS rebinding). The browser then sends that name
as Host, and the page's address as Origin.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from nomaflow.api.problems import problem

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
EVERY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  # to compare with, not to listen on
DEFAULT_PORTS = frozenset({80, 443, None})


class KnownHosts:
    """The loopback names, the host that the server listens on, and those of `allowed_hosts`.

    `*.example.com` stands for every name below it, `*` for every name. A server that listens on
    every address answers to each IP address: a name is what a page could make its own.
    """

    def __init__(self, listening: str = "127.0.0.1", allowed: Iterable[str] = ()) -> None:
        self._allowed = tuple(name.lower() for name in allowed)
        self._own = LOOPBACK | {listening.lower()}
        self._takes_addresses = listening in EVERY_ADDRESS

    def refusal(self, host: str | None, origin: str | None) -> str | None:
        """What to say to a request with these headers; None: it may pass."""
        name, port = _name_and_port(f"//{host}")
        if name is None or not self._answers_to(name):
            return (
                f"This server does not answer to the name '{_shown(host)}'. If it should, add the "
                "name to allowed_hosts under [server] in app.toml."
            )
        if origin is None or _name_and_port(origin) == (name, port) or self._allows(origin):
            return None
        return (
            f"A page of '{_shown(origin)}' may not call this server. If it should, add its host "
            "to allowed_hosts under [server] in app.toml."
        )

    def _answers_to(self, name: str) -> bool:
        return (
            name in self._own
            or self._is_listed(name)
            or (self._takes_addresses and _is_address(name))
        )

    def _allows(self, origin: str) -> bool:
        name, _ = _name_and_port(origin)
        return name is not None and self._is_listed(name)

    def _is_listed(self, name: str) -> bool:
        return any(
            name == allowed or allowed == "*" or _is_below(name, allowed)
            for allowed in self._allowed
        )


class HostGuard:
    """Lets through what `hosts` does not refuse, HTTP and WebSocket alike."""

    def __init__(self, app: ASGIApp, hosts: KnownHosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        refusal = self._hosts.refusal(_only(scope, b"host"), _only(scope, b"origin"))
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "host"})
        else:
            await problem(403, "HostNotAllowed", refusal)(scope, receive, send)


def _only(scope: Scope, wanted: bytes) -> str | None:
    """The header's value; several of them are joined, and then fit nothing."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
    return ", ".join(values) if values else None


def _name_and_port(address: str) -> tuple[str | None, int | None]:
    """In lower case; the ports that go without saying are None. (None, None): not an address."""
    try:
        parts = urlsplit(address)
        name, port = parts.hostname, parts.port
    except ValueError:
        return None, None
    if name is None or parts.username is not None or parts.path or parts.query or parts.fragment:
        return None, None
    return name.removesuffix("."), None if port in DEFAULT_PORTS else port


def _is_below(name: str, allowed: str) -> bool:
    return allowed.startswith("*.") and name.endswith(allowed[1:])


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _shown(header: str | None) -> str:
    return (header or "")[:100]
