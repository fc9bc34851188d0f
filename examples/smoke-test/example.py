"""A shop that answers once, falls ill for three requests, and a chat that listens."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sample_service import Reply, Request, sample_service

COMMANDS = (("run", "smoke-test", "--wait"),) * 4
asked: list[Request] = []
messages: list[str] = []


def prepare(_: Path) -> None:
    """There is nothing to lay out."""


@contextmanager
def world(home: Path) -> Iterator[None]:
    with (
        sample_service(home, "shop", _answer),
        sample_service(home, "chat", _hear),
    ):
        yield


def outcome(_: Path) -> Iterator[str]:
    yield f"The shop was asked {len(asked)} times"
    yield from (f"The chat read: {message}" for message in messages)


def _answer(request: Request) -> Reply:
    asked.append(request)
    is_ill = 1 < len(asked) <= 4
    return Reply({"status": "ill"}, 500) if is_ill else Reply({"status": "ok"})


def _hear(request: Request) -> Reply:
    messages.append(json.loads(request.body)["text"])
    return Reply(status=201)
