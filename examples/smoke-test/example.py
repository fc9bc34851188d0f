"""A shop that answers once and then falls ill, and a chat that listens."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sample_service import Reply, Request, sample_service

COMMANDS = (("run", "smoke-test", "--wait"),) * 4
asked: list[Request] = []
messages: list[str] = []


@contextmanager
def world(home: Path) -> Iterator[None]:
    with (
        sample_service(home, "https://shop.example.com", _answer),
        sample_service(home, "https://chat.example.com", _hear),
    ):
        yield


def outcome(_: Path) -> Iterator[str]:
    yield f"The shop was asked {len(asked)} times"
    yield from (f"The chat read: {message}" for message in messages)


def _answer(request: Request) -> Reply:
    asked.append(request)
    return Reply({"status": "ok"}) if len(asked) == 1 else Reply({"status": "ill"}, 500)


def _hear(request: Request) -> Reply:
    messages.append(json.loads(request.body)["text"])
    return Reply(status=201)
