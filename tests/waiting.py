"""Waiting for facts, with a deadline: tests never sleep for a length of time that was guessed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_SECONDS = 0.05


def eventually(fact: Callable[[], T], *, seconds: float = 20) -> T:
    """What `fact` returns as soon as that is true; fails the test with the last answer else."""
    deadline = time.monotonic() + seconds
    while not (found := fact()):
        assert time.monotonic() < deadline, f"not within {seconds} s; the last answer: {found!r}"
        time.sleep(PAUSE_SECONDS)
    return found


async def once_true(ask: Callable[[], Awaitable[T]], *, seconds: float = 20) -> T:
    """The same for a question that is awaited."""
    deadline = time.monotonic() + seconds
    while not (found := await ask()):
        assert time.monotonic() < deadline, f"not within {seconds} s; the last answer: {found!r}"
        await asyncio.sleep(PAUSE_SECONDS)
    return found
