"""Asking a run to stop, and ending a piece of work when it was asked or its time is up."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from nomaflow.domain.course import StopReason

T = TypeVar("T")


class Stopped(Exception):
    """The work was stopped because someone asked; it is gone when this is raised."""


class WallHit(Exception):
    """The work was stopped because its time was up; it is gone when this is raised."""


class StopSignal:
    """Asked once, heard by all who wait; the first reason stands."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._reason: StopReason | None = None

    @property
    def reason(self) -> StopReason | None:
        return self._reason

    def ask(self, reason: StopReason) -> None:
        if self._reason is None:
            self._reason = reason
            self._asked.set()

    async def wait(self, seconds: float | None = None) -> bool:
        """Return True when asked, False after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        except TimeoutError:
            return False
        return True


async def stoppable(work: Coroutine[Any, Any, T], stop: StopSignal, seconds: float) -> T:
    """The result of `work`, unless a stop is asked first (Stopped) or time runs out (WallHit).

    Returns or raises only when the work is gone. Work that ends well while it is being stopped
    has ended well: its result is the truth.
    """
    task = asyncio.ensure_future(work)
    asked = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, asked}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
    if not task.cancelled():
        return task.result()
    raise Stopped if stop.reason else WallHit
