"""The step type `http`: one request, and what came back."""

import json
from codecs import getincrementaldecoder
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, ClassVar, Final, cast

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from nomaflow.clock import SystemClock
from nomaflow.connectors.http import MOST_BYTES, Answer, HttpConnector, Method, bad_status
from nomaflow.errors import StepFailed, StepRefused, Unreachable
from nomaflow.steps.base import HostKind, Output, StepSpec
from nomaflow.steps.body_file import body_file
from nomaflow.steps.context import StepContext

PREVIEW_BYTES: Final = 65_536
LONGEST_PREVIEW: Final = 128 * 1024
PROGRESS_BYTES: Final = 2**20
HeaderText = Annotated[
    str, BeforeValidator(lambda value: str(value) if type(value) in (int, float) else value)
]
Status = Annotated[int, Field(ge=100, le=599)]
Statuses = Annotated[
    tuple[Status, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, int) else value),
]


class HttpSpec(StepSpec):
    """Fields of an `http` step."""

    connector: Annotated[
        str | None,
        Field(
            description="An HTTP connector, whose base URL, headers and TLS settings are used.",
            json_schema_extra={"x-connector": "http"},
        ),
    ] = None
    url: Annotated[
        str,
        Field(
            description="The whole address; with a connector relative to its base URL, or the name "
            "of one of its endpoints."
        ),
    ]
    method: Annotated[
        Method, Field(description="What is asked for. Default: what the named endpoint says.")
    ] = "GET"
    headers: Annotated[
        Mapping[str, HeaderText],
        Field(default_factory=dict, description="Over those of the connector."),
    ]
    body: Annotated[Any, Field(description="Text is sent as it is; a table or a list as JSON.")] = (
        None
    )
    expect_status: Annotated[
        Statuses, Field(description="Statuses that are no failure, beside 200 to 299.")
    ] = ()
    follow_redirects: Annotated[
        bool,
        Field(description="Whether redirects are followed; headers do not go to another host."),
    ] = True

    @field_validator("url")
    @classmethod
    def _is_complete(cls, url: str, info: ValidationInfo) -> str:
        is_whole = url.startswith(("http://", "https://")) or "${" in url
        if not is_whole and info.data.get("connector") is None:
            raise ValueError(
                "expected an address that begins with http:// or https://, or a connector"
            )
        return url

    @field_validator("body")
    @classmethod
    def _can_be_sent(cls, body: Any, info: ValidationInfo) -> Any:
        if body is not None and info.data.get("connector") is None:
            _refuse_body_of(info.data.get("method"))
        if body is not None and not isinstance(body, str | Mapping | list | tuple):
            raise ValueError("expected text, a table or a list")
        return body


class HttpStep:
    """Sends one request; an answer of 200 to 299 is a success, any other a failure.

    The log has one line: method, address without its query, status, bytes and milliseconds. After a
    time-out or a cancel it says how much of the answer had come.

    Output: `{"status", "elapsed_ms", "body_preview", "body_truncated", "body_bytes"}`, and `json`
    when the body is JSON of 64 KiB at most. The preview is the body's first 64 KiB. Until the run
    ends later Python steps read all of it, up to 32 MiB, as `ctx.previous_step(name).body`.

    Errors: `HTTP 503` or such for a status, `Unreachable` when no whole answer came,
    `CertificateError`, `TooManyRedirects`, and `StepRefused` for an address that may not be
    reached; `retry_on` chooses among them. `Retry-After` prolongs the wait for the next attempt, up
    to the policy's `max_seconds`.

    Example:
    [[jobs]]
    id = "announce"
    retry = { attempts = 4, backoff = "exponential", retry_on = ["Unreachable", "HTTP 429"] }

    [[jobs.steps]]
    name = "announce"
    type = "http"
    url = "https://hooks.example.com/announce?day=${ctx:today}"
    method = "POST"
    headers = { Authorization = "Bearer ${env:ANNOUNCE_TOKEN:-none}" }
    body = { text = "Run ${ctx:run_id} has begun" }
    timeout_seconds = 30
    """

    name: ClassVar[str] = "http"
    title: ClassVar[str] = "HTTP request"
    host: ClassVar[HostKind] = "thread"
    params_field: ClassVar[str | None] = None
    literal_fields: ClassVar[frozenset[str]] = frozenset()
    Spec = HttpSpec

    def run(self, spec: HttpSpec, ctx: StepContext) -> Output:
        connector = _connector(spec, ctx)
        endpoint = connector.endpoint(spec.url)
        method = spec.method if "method" in spec.model_fields_set else endpoint.method
        headers = {**endpoint.headers, **spec.headers}
        sent = connector.stream(
            method,
            endpoint.url,
            headers=headers,
            follow_redirects=_follows(spec),
            **_content(spec.body, method),
        )
        body = Body()
        with _told_if_stopped(ctx, body), sent as answer:
            _receive(answer, ctx, body)
            elapsed_ms = answer.elapsed_ms
        text = connector.masked(_text(body, answer.charset), headers)
        output = _output(answer, body, text, elapsed_ms)
        said = f"{answer.reason}, {body.size:,} bytes in {elapsed_ms:,} ms"
        ctx.log.info("%s %s → %s", method, answer.url, said)
        if not 200 <= answer.status < 300 and answer.status not in spec.expect_status:
            raise _failure(answer, text, output)
        return output


@dataclass
class Body:
    """What is left of a body that went by: its size and its first bytes.

    `url` is where it comes from, once it does, and `length` how long it is said to be.
    """

    url: str | None = None
    length: int | None = None
    size: int = 0
    first: bytes = b""

    @property
    def is_longer(self) -> bool:
        """Whether there was more than the first bytes."""
        return self.size > len(self.first)

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self.first += chunk[: PREVIEW_BYTES - len(self.first)]


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the server asks to wait: seconds, or a date counted from the server's own clock."""
    asked = headers.get("retry-after", "").strip()
    if asked.isdecimal():
        return float(asked)
    until = _instant(asked)
    if until is None:
        return None
    return max(0.0, (until - (_instant(headers.get("date", "")) or now)).total_seconds())


def _connector(spec: HttpSpec, ctx: StepContext) -> HttpConnector:
    if spec.connector is None:
        return HttpConnector("", ctx.facts.egress).cancellable(ctx.on_cancel)
    return cast("HttpConnector", ctx.get_connector(spec.connector))


def _refuse_body_of(method: str | None) -> None:
    if method == "GET":
        raise ValueError("a GET request has no body; expected another method")


def _follows(spec: HttpSpec) -> bool:
    """A redirect that is what the step expects is not followed."""
    return spec.follow_redirects and not any(300 <= status < 400 for status in spec.expect_status)


def _content(body: Any, method: str) -> dict[str, Any]:
    if body is None:
        return {}
    try:
        _refuse_body_of(method)
    except ValueError as error:
        raise StepRefused(f"The step's body cannot be sent: {error}.") from None
    if isinstance(body, str):
        return {"content": body}
    return {"json": json.loads(json.dumps(body, default=str))}


@contextmanager
def _told_if_stopped(ctx: StepContext, body: Body) -> Iterator[None]:
    """How far it was when a time-out or a person stopped it: slow, or not answering at all."""
    try:
        yield
    except Unreachable:
        if ctx.is_cancelled() and body.url is None:
            ctx.log.warning("stopped before any answer had come")
        elif ctx.is_cancelled():
            of = "" if body.length is None else f" of {body.length:,}"
            ctx.log.warning("stopped after %s%s bytes of %s", f"{body.size:,}", of, body.url)
        raise


def _receive(answer: Answer, ctx: StepContext, body: Body) -> None:
    """Read the body to its end; compressed data that unpacks to more than is kept is left there."""
    body.url, body.length, told = answer.url, answer.length, 0
    with body_file(ctx.facts.body_file) as file:
        for chunk in answer.chunks():
            body.add(chunk)
            file.write(chunk)
            if body.size - told >= PROGRESS_BYTES:
                told = body.size
                ctx.progress(body.size, answer.length)
            if answer.is_compressed and body.size > MOST_BYTES:
                break
    if file.gap:
        ctx.log.warning("Later steps cannot read the whole body: %s.", file.gap)


def _text(body: Body, charset: str) -> str:
    """The first bytes as text; a character that was cut in two at their end is left out."""
    try:
        decoder = getincrementaldecoder(charset)("replace")
    except LookupError:
        decoder = getincrementaldecoder("utf-8")("replace")
    return decoder.decode(body.first, final=not body.is_longer)


def _preview(text: str) -> str:
    """As much of the text as is kept: control characters take six times their size as JSON."""
    while len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")) > LONGEST_PREVIEW:
        text = text[: len(text) * 3 // 4]
    return text


def _output(answer: Answer, body: Body, text: str, elapsed_ms: int) -> dict[str, Any]:
    output: dict[str, Any] = {
        "status": answer.status,
        "elapsed_ms": elapsed_ms,
        "body_preview": _preview(text),
        "body_truncated": body.is_longer,
        "body_bytes": body.size,
    }
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or kind.endswith("+json")
    if is_json and not body.is_longer:
        with suppress(ValueError, RecursionError):
            output["json"] = json.loads(text, parse_constant=_no_json)
    return output


def _failure(answer: Answer, text: str, output: Output) -> StepFailed:
    asked = retry_after_seconds(answer.headers, SystemClock().now())
    return bad_status(answer.status, answer.url, text, output=output, retry_after=asked)


def _instant(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _no_json(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


STEP = HttpStep()
