"""The way in to the live events, which are made when the first client comes."""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nomaflow.live.parts import LiveParts

if TYPE_CHECKING:
    from nomaflow.live.server import Live


class LiveDoor:
    """Until somebody comes, what only the live events need is not even imported.

    That is a quarter of the time in which a service starts, and of its memory a seventh.
    """

    def __init__(self, parts: LiveParts) -> None:
        self._parts = parts
        self._live: Live | None = None
        self._opening = asyncio.Lock()

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        """The application to mount at /socket.io."""
        async with self._opening:
            live = self._live = self._live or await self._made()
        await live.asgi(scope, receive, send)

    async def close(self) -> None:
        """Part from every client, and stop."""
        if self._live is not None:
            await self._live.close()

    async def _made(self) -> "Live":
        """Imported in a thread: other requests are answered meanwhile."""
        module = await asyncio.to_thread(import_module, "nomaflow.live.server")
        live: Live = module.Live(self._parts)
        return live
