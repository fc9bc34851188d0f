"""HTTP connectors: requests to one service, guarded, cancellable, with its credentials."""

import json as json_text
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Self
from weakref import finalize

from pydantic import Field, field_validator, model_validator

from nomaflow.connectors.base import ConnectorSettings, EngineLookup, OnCancel
from nomaflow.connectors.web.egress import Egress
from nomaflow.domain.definition import Documented
from nomaflow.domain.secrets import MASK, SecretText
from nomaflow.errors import NotFound, Refused, StepFailed, StepRefused

if TYPE_CHECKING:
    import httpx2

    from nomaflow.connectors.web.session import Session

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
MOST_BYTES: Final = 32 * 2**20
EXCERPT_CHARACTERS: Final = 300
CONNECT_SECONDS: Final = 10.0
_SCHEMES: Final = ("http://", "https://")
_SECRET_NAMES: Final = ("auth", "cookie", "key", "password", "secret", "token")
_SHORTEST_SECRET: Final = 4
_USUAL_HEADERS: Final = {
    "User-Agent": "nomaflow",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
}


class HttpAuth(Documented):
    """Who is asking: a user with a password, or the bearer of a token."""

    user: str | None = None
    """For basic authentication."""

    password: SecretText | None = None
    """The user's; sealed, or one ${env:VAR} token."""

    token: SecretText | None = None
    """Sent as `Authorization: Bearer …`; sealed, or one ${env:VAR} token."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        is_basic = self.user is not None and self.password is not None
        if is_basic == (self.token is not None) or (self.user is None) != (self.password is None):
            raise ValueError("expected { user, password } or { token }")
        return self


class HttpEndpoint(Documented):
    """A request with a name: a step's `url` may be that name, plugins `call` it."""

    url: str = ""
    """Relative to the connector's `base_url`."""

    method: Method = "GET"
    """What is asked for, unless the step says it."""

    headers: Mapping[str, str] = Field(default_factory=dict)
    """Over those of the connector."""

    def with_query(self, query: str) -> Self:
        """The same, with further parameters, as they stand in an address behind the `?`."""
        mark = "&" if "?" in self.url else "?"
        return self.model_copy(update={"url": f"{self.url}{mark}{query}"}) if query else self


class HttpDefinition(Documented):
    """A block [connectors.NAME] with type "http": a service and how to speak to it."""

    base_url: str
    """Where relative addresses begin, such as `https://crm.example.com/api`."""

    headers: Mapping[str, str] = Field(default_factory=dict)
    """Sent with each request; a value may be sealed or hold ${env:VAR}."""

    auth: HttpAuth | None = None
    """Credentials instead of an Authorization header."""

    verify: bool = True
    """`false` takes any certificate, from anybody who answers: for tests only."""

    ca_file: str | None = None
    """Authorities to trust instead of the machine's, in PEM form; relative to the home."""

    client_cert: str | None = None
    """The certificate to show, in PEM form, with its key unless `client_key` names it."""

    client_key: str | None = None
    """The file of its key."""

    client_key_password: SecretText | None = None
    """What opens the key; sealed, or one ${env:VAR} token."""

    connect_timeout_seconds: Annotated[float, Field(gt=0, le=300)] = CONNECT_SECONDS
    """How long a connection may take; an answer may take as long as its step."""

    endpoints: Mapping[str, HttpEndpoint] = Field(default_factory=dict)
    """Named requests, `[connectors.NAME.endpoints.ENDPOINT]`."""

    def located(self, home: Path) -> Self:
        """The same, with relative paths counted from the home folder."""
        files = {name: getattr(self, name) for name in ("ca_file", "client_cert", "client_key")}
        absolute = {name: str(home.resolve() / path) for name, path in files.items() if path}
        return self.model_copy(update=absolute)

    @field_validator("base_url")
    @classmethod
    def _is_web(cls, value: str) -> str:
        if "${" not in value and not value.startswith(_SCHEMES):
            raise ValueError("expected an address that begins with http:// or https://")
        return value


@dataclass(frozen=True)
class Answer:
    """An answer whose body is yet to be read, by `chunks()`; names of headers in small letters.

    `length` is the body's as announced, None when it was not, or is that of a compressed body.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    charset: str
    length: int | None
    is_compressed: bool
    _began: float
    _response: "httpx2.Response"

    @property
    def reason(self) -> str:
        """The status in words."""
        return _in_words(self.status)

    @property
    def elapsed_ms(self) -> int:
        """How long ago the request was sent."""
        return round((time.monotonic() - self._began) * 1000)

    def chunks(self) -> Iterator[bytes]:
        """The body, decompressed, part by part, none larger than 64 KiB or so."""
        return self._response.iter_bytes()


@dataclass(frozen=True)
class HttpResponse:
    """A whole answer. Names of headers are in small letters."""

    status: int
    url: str
    headers: Mapping[str, str]
    content: bytes
    charset: str = "utf-8"

    @property
    def text(self) -> str:
        """The body as text; what does not fit its charset is replaced."""
        return decoded(self.content, self.charset)

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json_text.loads(self.content)

    def raise_for_status(self) -> Self:
        """The answer itself. Raises StepFailed, of type `HTTP 404` or such, unless it is 2xx."""
        if not 200 <= self.status < 300:
            raise bad_status(self.status, self.url, self.text)
        return self


class HttpConnector:
    """A named way to one service. Thread-safe; connections are kept for the next request.

    `url` is relative to the base URL, or an absolute one of the same host. `json` or `content`
    (text or bytes) is the body. Errors are Unreachable, or StepFailed with the cause; an answer
    of whatever status is no error.
    """

    def __init__(self, name: str, egress: Egress, definition: HttpDefinition | None = None) -> None:
        """Without a definition it takes absolute URLs to anywhere, and has no credentials."""
        self.name = name
        self.on_cancel: OnCancel = lambda _: nullcontext()
        self._egress = egress
        self._definition = definition

    def cancellable(self, on_cancel: OnCancel) -> Self:
        """The same connector with connections of its own, which end when a stop is asked."""
        connector = copy(self)
        connector.__dict__.pop("_session", None)
        connector.on_cancel = on_cancel
        return connector

    def endpoint(self, url: str) -> HttpEndpoint:
        """The endpoint that the url names, with the query behind it; else one for the url."""
        name, _, query = url.partition("?")
        named = self._definition.endpoints.get(name) if self._definition else None
        return named.with_query(query) if named else HttpEndpoint(url=url)

    def call(
        self, name: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> HttpResponse:
        """Send the named request, with `request`'s options. Raises NotFound."""
        known = self._definition.endpoints if self._definition else {}
        if name not in known:
            raise NotFound(
                f"Connector '{self.name}' has no endpoint '{name}'. Known endpoints: "
                f"{', '.join(known) or 'none'}."
            )
        named = known[name]
        return self.request(
            named.method, named.url, headers={**named.headers, **(headers or {})}, **options
        )

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        follow_redirects: bool = True,
        **body: Any,
    ) -> Iterator[Answer]:
        """Send a request; its answer is open while the context is. `body` is as in `request`."""
        session = self._session
        request = self._request(method, url, headers or {}, body)
        began = time.monotonic()
        with (
            self.on_cancel(session.hang_up),
            session.answer(request, follow_redirects=follow_redirects) as response,
        ):
            yield _answer(response, began)

    def request(
        self,
        method: str,
        url: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        follow_redirects: bool = True,
        **body: Any,
    ) -> HttpResponse:
        """Send a request, with `params`, `json` or `content`; its whole answer, 32 MiB at most."""
        sent = self.stream(method, url, headers=headers, follow_redirects=follow_redirects, **body)
        with sent as answer:
            content = bytearray()
            for chunk in answer.chunks():
                content += chunk
                if len(content) > MOST_BYTES:
                    raise StepFailed(
                        f"The body of {answer.url} is larger than {MOST_BYTES:,} bytes. Read it "
                        "part by part: with connector.stream(…) as answer, answer.chunks()."
                    )
        return HttpResponse(
            answer.status, answer.url, answer.headers, bytes(content), answer.charset
        )

    def get(self, url: str = "", **options: Any) -> HttpResponse:
        return self.request("GET", url, **options)

    def post(self, url: str = "", **options: Any) -> HttpResponse:
        return self.request("POST", url, **options)

    def put(self, url: str = "", **options: Any) -> HttpResponse:
        return self.request("PUT", url, **options)

    def patch(self, url: str = "", **options: Any) -> HttpResponse:
        return self.request("PATCH", url, **options)

    def delete(self, url: str = "", **options: Any) -> HttpResponse:
        return self.request("DELETE", url, **options)

    def check(self) -> None:
        """Ask for the base URL; any answer will do. Raises Unreachable, or StepFailed."""
        with self.stream("GET", ""):
            pass

    def close(self) -> None:
        """Give the connections back; may be called twice."""
        session = self.__dict__.pop("_session", None)
        if session is not None:
            session.close()

    def masked(self, text: str, headers: Mapping[str, str]) -> str:
        """The text without the values of secret headers, which some services send back."""
        for value in _secret_values({**self._headers, **headers}):
            text = text.replace(value, MASK)
        return text

    @cached_property
    def _session(self) -> "Session":
        """Connections for this caller; they close when it is forgotten."""
        session = self._new_session()
        finalize(self, session.close)
        return session

    def _new_session(self) -> "Session":
        from nomaflow.connectors.web.session import Session
        from nomaflow.connectors.web.trust import Trust

        definition = self._definition
        if definition is None:
            return Session(self._egress, None, Trust(), CONNECT_SECONDS)
        trust = Trust(
            verify=definition.verify,
            ca_file=definition.ca_file,
            client_cert=definition.client_cert,
            client_key=definition.client_key,
            client_key_password=definition.client_key_password,
        )
        seconds = definition.connect_timeout_seconds
        return Session(self._egress, definition.base_url, trust, seconds)

    @property
    def _headers(self) -> dict[str, str]:
        """What goes along with each request."""
        definition = self._definition
        given = dict(definition.headers) if definition else {}
        if definition and definition.auth:
            given["Authorization"] = _authorization(definition.auth)
        return given

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any]
    ) -> "httpx2.Request":
        import httpx2

        from nomaflow.connectors.web.session import merged

        all_headers = merged(_USUAL_HEADERS, self._headers, headers)
        try:
            target = self._target(url).copy_merge_params(body.get("params") or {})
        except httpx2.InvalidURL as error:
            raise StepRefused(f"The url of the request is no address: {error}.") from None
        content = {name: value for name, value in body.items() if name != "params"}
        try:
            return httpx2.Request(method, target, headers=all_headers, **content)
        except (TypeError, UnicodeEncodeError, ValueError) as error:
            raise StepRefused(f"The request to {target.host} cannot be made: {error}.") from None

    def _target(self, url: str) -> "httpx2.URL":
        import httpx2

        from nomaflow.connectors.web.session import same_origin, shown

        if self._definition is None:
            return httpx2.URL(url)
        base = httpx2.URL(self._definition.base_url)
        if not url.startswith(_SCHEMES):
            root = self._definition.base_url.rstrip("/")
            return httpx2.URL(f"{root}/{url.lstrip('/')}" if url else root)
        target = httpx2.URL(url)
        if not same_origin(base, target):
            raise StepRefused(
                f"{shown(target)} is not at {shown(base)}, for which connector '{self.name}' has "
                "its credentials. Give a relative url, or leave the connector out."
            )
        return target


class HttpConnectorType:
    """`type = "http"`: requests to one service."""

    name: ClassVar[str] = "http"
    Definition = HttpDefinition

    def open(self, settings: ConnectorSettings, engine: EngineLookup) -> HttpConnector:  # noqa: ARG002  # the seam's signature; no pool is needed
        if not isinstance(settings.definition, HttpDefinition):
            raise Refused(f"Connector '{settings.name}' is no HTTP connector.")
        return HttpConnector(settings.name, settings.egress, settings.definition)


def bad_status(
    status: int, url: str, text: str, *, retry_after: float | None = None, **more: Any
) -> StepFailed:
    """The failure that such an answer is; `text` is its body, of which the beginning is told.

    `retry_after` is how many seconds it asks to wait.
    """
    excerpt = " ".join(text[:EXCERPT_CHARACTERS].split())
    asks = f", asking to wait {retry_after:,.0f} s" if retry_after else ""
    message = f"{url} answered {_in_words(status)}{asks}{f': {excerpt}' if excerpt else '.'}"
    return StepFailed(message, cause=f"HTTP {status}", retry_after=retry_after, **more)


def _in_words(status: int) -> str:
    known = {each.value: each.phrase for each in HTTPStatus}
    return f"{status} {known.get(status, '')}".rstrip()


def decoded(content: bytes, charset: str) -> str:
    """The bytes as text; an unknown charset is taken for UTF-8, what does not fit is replaced."""
    try:
        return content.decode(charset, "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def _answer(response: "httpx2.Response", began: float) -> Answer:
    from nomaflow.connectors.web.session import shown

    headers = {name.lower(): value for name, value in response.headers.items()}
    encoding = headers.get("content-encoding", "identity").lower()
    length = headers.get("content-length", "")
    is_compressed = encoding != "identity"
    return Answer(
        status=response.status_code,
        url=shown(response.url),
        headers=headers,
        charset=response.charset_encoding or "utf-8",
        length=int(length) if length.isdecimal() and not is_compressed else None,
        is_compressed=is_compressed,
        _began=began,
        _response=response,
    )


def _authorization(auth: HttpAuth) -> str:
    if auth.token is not None:
        return f"Bearer {auth.token.reveal()}"
    password = auth.password.reveal() if auth.password else ""
    return f"Basic {b64encode(f'{auth.user}:{password}'.encode()).decode()}"


def _secret_values(headers: Mapping[str, str]) -> Iterator[str]:
    """The values of headers that bear credentials, without the word for their scheme."""
    for name, value in headers.items():
        credential = value.partition(" ")[2] or value
        is_secret = any(word in name.lower() for word in _SECRET_NAMES)
        if is_secret and len(credential) >= _SHORTEST_SECRET:
            yield credential


CONNECTOR = HttpConnectorType()
