"""The requests of one caller: sent, redirected with care, and their failures in our words."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Final, NoReturn

import httpcore2
import httpx2

from nomaflow.connectors.web.dialer import Dialer
from nomaflow.connectors.web.egress import Egress
from nomaflow.connectors.web.trust import Trust, tls_context
from nomaflow.errors import StepFailed, StepRefused, Unreachable

MOST_REDIRECTS: Final = 10
_GOES_ANYWHERE: Final = {
    *("accept", "accept-encoding", "accept-language", "connection", "content-encoding"),
    *("content-length", "content-type", "cookie", "host", "transfer-encoding", "user-agent"),
}
"""The headers that follow a redirect to another host; cookies are those that it set itself."""


class _Transport(httpx2.HTTPTransport):
    """The library's transport, over connections that our dialer opens."""

    def __init__(self, dialer: Dialer, context: ssl.SSLContext) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=context, max_connections=None, network_backend=dialer
        )


class Session:
    """Connections that are kept for the next request; ended by `close` or `hang_up`.

    `trust` is for `origin` alone, the address without path that a connector stands for; other
    hosts, which redirects lead to, get the default one and see no certificate of ours. No proxy
    and no other setting of the environment is used.
    """

    def __init__(
        self, egress: Egress, origin: str | None, trust: Trust, connect_seconds: float
    ) -> None:
        self._dialer = Dialer(egress)
        self._origin = httpx2.URL(origin) if origin else None
        self._trust = trust
        self._timeout = httpx2.Timeout(None, connect=connect_seconds)

    @contextmanager
    def answer(
        self, request: httpx2.Request, *, follow_redirects: bool
    ) -> Iterator[httpx2.Response]:
        """The answer to the request, its body unread; redirects are followed, ten at most.

        Raises StepRefused for what may not be sent, Unreachable when it did not go through, and
        StepFailed, with the cause CertificateError, when the other side is not to be trusted.
        """
        response = self._final(request, MOST_REDIRECTS if follow_redirects else 0)
        try:
            with failures(response.url):
                yield response
        finally:
            response.close()

    def hang_up(self) -> None:
        """End what is in flight, from any thread; its caller gets Unreachable."""
        self._dialer.hang_up()

    def close(self) -> None:
        """Give the connections back."""
        for client in ("_own", "_others"):
            with suppress(KeyError):
                self.__dict__.pop(client).close()

    def _final(self, request: httpx2.Request, most_redirects: int) -> httpx2.Response:
        response = self._sent(request)
        for _ in range(most_redirects):
            if response.next_request is None:
                return response
            response.close()
            following = _redirected(request, response.next_request)
            with _on_the_way(request.url, following.url):
                response = self._sent(following)
        if most_redirects and response.next_request is not None:
            response.close()
            message = f"{shown(request.url)} leads on and on: {most_redirects} redirects."
            raise StepFailed(message, cause="TooManyRedirects")
        return response

    def _sent(self, request: httpx2.Request) -> httpx2.Response:
        is_own = self._origin is None or same_origin(request.url, self._origin)
        client = self._own if is_own else self._others
        with failures(request.url):
            return client.send(request, stream=True)

    @cached_property
    def _own(self) -> httpx2.Client:
        return self._client(self._trust)

    @cached_property
    def _others(self) -> httpx2.Client:
        return self._client(Trust())

    def _client(self, trust: Trust) -> httpx2.Client:
        transport = _Transport(self._dialer, tls_context(trust))
        return httpx2.Client(transport=transport, timeout=self._timeout, trust_env=False)


def same_origin(one: httpx2.URL, other: httpx2.URL) -> bool:
    return _origin(one) == _origin(other)


def shown(url: httpx2.URL) -> str:
    """The address for people: without user, password and query, where secrets may stand."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None))


@contextmanager
def failures(url: httpx2.URL) -> Iterator[None]:
    """Turn the library's errors into ours."""
    try:
        yield
    except httpx2.LocalProtocolError:
        raise StepRefused(
            f"The request to {shown(url)} cannot be sent: a header, or the address, holds a "
            "character that none may hold, such as the end of a line."
        ) from None
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise StepRefused(f"The request to {shown(url)} cannot be sent: {error}.") from None
    except httpx2.DecodingError as error:
        message = f"The body of {shown(url)} cannot be decoded: {error}."
        raise StepFailed(message, cause="DecodingError") from None
    except httpx2.TransportError as error:
        _raise_transport(url, error)


@contextmanager
def _on_the_way(first: httpx2.URL, following: httpx2.URL) -> Iterator[None]:
    """What fails behind a redirect is told with the address that it began with."""
    way = f"{shown(first)} redirects to {shown(following)}: "
    try:
        yield
    except StepRefused as error:
        raise StepRefused(f"{way}{error}") from None
    except Unreachable as error:
        raise Unreachable(f"{way}{error}") from None


def _raise_transport(url: httpx2.URL, error: httpx2.TransportError) -> NoReturn:
    refusal = _certificate_error(error)
    if refusal is not None:
        raise StepFailed(
            f"{shown(url)}: the certificate of the server is not to be trusted: "
            f"{refusal.verify_message}. If it is the right one, name its authority in 'ca_file' "
            "of an http connector.",
            cause="CertificateError",
        ) from None
    if isinstance(error, httpx2.ConnectTimeout):
        raise Unreachable(f"{shown(url)}: no connection within the time-out.") from None
    raise Unreachable(f"{shown(url)}: {str(error) or type(error).__name__}.") from None


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _redirected(first: httpx2.Request, following: httpx2.Request) -> httpx2.Request:
    """The request that follows a redirect; what was meant for the first host stays there."""
    if not same_origin(first.url, following.url):
        for name in {*following.headers} - _GOES_ANYWHERE:
            del following.headers[name]
    return following


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    default = {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, url.port or default


def merged(*layers: Mapping[str, str]) -> dict[str, str]:
    """Headers of which later ones win, whatever the case of their names."""
    found = {name.lower(): (name, value) for layer in layers for name, value in layer.items()}
    return dict(found.values())
