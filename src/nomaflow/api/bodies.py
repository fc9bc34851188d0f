"""How large the body of a request may be: nobody fills the server's memory with one."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nomaflow.api.problems import problem

MOST_BYTES: Final = 4 * 2**20
TOO_LARGE: Final = f"The body of a request may have at most {MOST_BYTES // 2**20} MiB."


class BodyLimit:
    """Answers 413, before the body is read where its length is declared."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _declared_bytes(scope) > MOST_BYTES:
            await problem(413, "BodyTooLarge", TOO_LARGE)(scope, receive, send)
        else:
            await self._app(scope, _counted(receive), send)


def _declared_bytes(scope: Scope) -> int:
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


def _counted(receive: Receive) -> Receive:
    """The same body; reading on past the limit raises HTTPException."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MOST_BYTES:
            raise HTTPException(413, TOO_LARGE)
        return message

    return counted
