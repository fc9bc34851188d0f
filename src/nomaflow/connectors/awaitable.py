"""Connectors for `async def` code: a mechanical facade, each call in a thread."""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from functools import partial
from typing import Any

_END = object()


class Awaitable:
    """Stands for `target`: what a method gives is awaited, entered or iterated asynchronously.

    `await c.execute(…)`, `async with c.transaction() as t:`, `async for row in c.stream(…)`.
    Attributes that are no methods are the target's own.
    """

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        return partial(Call, value) if callable(value) else value


class Call:
    """A call that was not made yet; how it is used says how it is made."""

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self._call = partial(function, *args, **kwargs)
        self._context: Any = None

    def __await__(self) -> Generator[Any, None, Any]:
        return asyncio.to_thread(self._call).__await__()

    async def __aenter__(self) -> Awaitable:
        self._context = await self
        return Awaitable(await asyncio.to_thread(self._context.__enter__))

    async def __aexit__(self, *error: Any) -> bool | None:
        handled: bool | None = await asyncio.to_thread(self._context.__exit__, *error)
        return handled

    async def __aiter__(self) -> AsyncIterator[Any]:
        rows = iter(await self)
        while (row := await asyncio.to_thread(next, rows, _END)) is not _END:
            yield row
