"""Coroutines awaited by plain code, and stopped when the attempt is."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from nomaflow.connectors.base import OnCancel

T = TypeVar("T")
Work = Coroutine[Any, Any, T]


def complete_here(work: Work[T], on_cancel: OnCancel) -> T:
    """Run `work` to its end on an event loop of this thread's own."""

    async def main() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        with on_cancel(_once(lambda: loop.call_soon_threadsafe(task.cancel))):
            return await task

    return asyncio.run(main())


def complete_on(loop: asyncio.AbstractEventLoop, work: Work[T], on_cancel: OnCancel) -> T:
    """Run `work` to its end on `loop`, from any other thread."""
    future = asyncio.run_coroutine_threadsafe(work, loop)
    with on_cancel(_once(future.cancel)):
        return future.result()


def _once(cancel: Callable[[], object]) -> Callable[[], None]:
    """A cancel that is repeated would interrupt the work while it tidies up."""
    asked = False

    def ask() -> None:
        nonlocal asked
        if not asked:
            asked = True
            cancel()

    return ask
