"""A small service on a timer: it looks again and again, and no failure ends that."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from nomaflow.clock import Clock, until_next
from nomaflow.log import FactLog

log = FactLog()


@asynccontextmanager
async def rounds(
    name: str, look: Callable[[], Awaitable[object]], clock: Clock, every_seconds: float
) -> AsyncIterator[None]:
    """While the context is open, `look` is called each `every_seconds`."""
    task = asyncio.create_task(_forever(name, look, clock, every_seconds), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _forever(
    name: str, look: Callable[[], Awaitable[object]], clock: Clock, every_seconds: float
) -> None:
    while True:
        await clock.sleep(until_next(clock, every_seconds))
        try:
            await look()
        except Exception:
            log.exception("round_failed", name=name)
