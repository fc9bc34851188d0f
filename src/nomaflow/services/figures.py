"""The way to the figures, which are counted once somebody asks for them."""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from nomaflow.history.looks import Looks

if TYPE_CHECKING:
    from nomaflow.services.metrics import Metrics


class Figures:
    """Until the first question nothing is counted, and what counts is not even imported.

    Prometheus loses nothing by that: the first value that it sees is where it begins.
    """

    def __init__(self, looks: Looks, version: str) -> None:
        self._looks = looks
        self._version = version
        self._metrics: Metrics | None = None
        self._opening = asyncio.Lock()

    async def text(self) -> bytes:
        """All figures as they are now, in Prometheus' text format. Raises Unreachable."""
        async with self._opening:
            metrics = self._metrics = self._metrics or await self._begun()
        return await metrics.text()

    async def close(self) -> None:
        if self._metrics is not None:
            await self._metrics.stop()

    async def _begun(self) -> "Metrics":
        """Imported in a thread: other requests are answered meanwhile."""
        module = await asyncio.to_thread(import_module, "nomaflow.services.metrics")
        metrics: Metrics = module.Metrics(self._looks, self._version)
        await metrics.start()
        return metrics
