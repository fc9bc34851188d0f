"""Attempts of users' code in this process, because their step says so."""

import sys
from pathlib import Path
from typing import Any

from nomaflow.runner.hosts.base import AttemptRequest, Host, Listener
from nomaflow.steps.base import Output, StepType


class InlineHost:
    """Executes in `threads`; what does not stop by itself is abandoned there, never killed.

    `plugins` comes onto the import path of the whole process with the first attempt. What was
    imported once stays: code that is edited is used after a restart.
    """

    def __init__(self, threads: Host, plugins: Path) -> None:
        self._threads = threads
        self._plugins = str(plugins)

    async def run(self, step: StepType[Any], request: AttemptRequest, listener: Listener) -> Output:
        if self._plugins not in sys.path:
            sys.path.insert(0, self._plugins)
        return await self._threads.run(step, request, listener)

    async def close(self) -> None:
        """Nothing to do: the threads' host closes its own."""
