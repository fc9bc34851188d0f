"""Attempts in warm child processes: whatever they do, they can be killed."""

import asyncio
import pickle
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nomaflow.connectors.base import ConnectorLookup
from nomaflow.errors import StepRefused
from nomaflow.runner.hosts.base import GRACE_SECONDS, AttemptRequest, Listener, uninterrupted
from nomaflow.runner.hosts.family import Strays
from nomaflow.runner.hosts.slot import OutdatedCode, Slot
from nomaflow.steps.base import Output, StepType

MOST_SLOTS = 16


class ProcessHost:
    """A bounded pool of children. Each starts when it is first needed and then stays warm.

    `plugins` comes first on their import path; a child that finds something in it changed is
    replaced before it executes anything. `environment` is all that they inherit of ours; connectors
    are asked for over the pipe, by name.
    """

    def __init__(
        self,
        lookup: ConnectorLookup,
        *,
        plugins: Path,
        environment: Mapping[str, str],
        size: int = MOST_SLOTS,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._lookup = lookup
        self._plugins = plugins
        self._environment = dict(environment)
        self._grace_seconds = grace_seconds
        self._free = asyncio.Semaphore(size)
        self._slots: set[Slot] = set()
        self._strays = Strays()
        self._idle: list[Slot] = []

    async def run(self, step: StepType[Any], request: AttemptRequest, listener: Listener) -> Output:
        content = _packed(step, request)
        async with self._free:
            while True:
                with suppress(OutdatedCode):
                    return await self._executed(content, listener)

    async def close(self) -> None:
        """Kill every child with all that it started."""
        slots, self._slots, self._idle = self._slots, set(), []
        await asyncio.gather(*(slot.kill() for slot in slots))
        self._strays.close()

    async def _executed(self, content: bytes, listener: Listener) -> Output:
        slot = await self._take_slot()
        try:
            return await slot.run(content, listener, self._grace_seconds)
        except OutdatedCode:
            await slot.kill()
            raise
        finally:
            if slot.is_alive:
                self._idle.append(slot)
            else:
                self._slots.discard(slot)

    async def _take_slot(self) -> Slot:
        while self._idle:
            slot = self._idle.pop()
            if slot.is_alive:
                return slot
            self._slots.discard(slot)
            await slot.kill()
        return await self._new_slot()

    async def _new_slot(self) -> Slot:
        starting = asyncio.ensure_future(self._start_slot())
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            self._idle.append(await uninterrupted(starting))
            raise

    async def _start_slot(self) -> Slot:
        path = [str(self._plugins), *(entry or str(Path.cwd()) for entry in sys.path)]
        slot = await Slot.start(self._environment, path, self._lookup, self._strays)
        self._slots.add(slot)
        return slot


def _packed(step: StepType[Any], request: AttemptRequest) -> bytes:
    try:
        return pickle.dumps((step, request.spec, request.facts))
    except Exception as error:
        raise StepRefused(
            f"Step '{request.facts.step_name}' cannot be handed to a child process: {error}"
        ) from error
