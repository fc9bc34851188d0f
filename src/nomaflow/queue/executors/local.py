"""Runs execute in this process: one loop claims while slots are free."""

import asyncio
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import ClassVar

from nomaflow.clock import until_next
from nomaflow.domain.events import RunsQueued
from nomaflow.domain.run import ProcessId, Run, RunId
from nomaflow.log import FactLog
from nomaflow.queue.executors.base import Executor, ExecutorParts, RunHandler

POLL_SECONDS = 1.0
log = FactLog()


class LocalExecutor:
    """Wakes for new runs and when a slot falls free; polls for runs of other processes.

    It claims while the rows of new runs are being written, so that both share a commit; what
    that claim may not have seen is claimed on `RunsQueued`.
    """

    def __init__(self, parts: ExecutorParts, handle: RunHandler) -> None:
        self._parts = parts
        self._handle = handle
        self._wake = asyncio.Event()
        self._stopping = False
        self._is_unsure = False
        self._running: dict[RunId, asyncio.Task[None]] = {}
        self._unsubscribe = (
            parts.bus.subscribe(RunsQueued, lambda _: self._wake.set()),
            parts.queue.listen(self._wake.set),
        )
        self._loop = asyncio.create_task(self._claim_forever())

    async def stop(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._stopping = True
        self._wake.set()
        await self._loop

    async def _claim_forever(self) -> None:
        is_woken = True
        while not self._stopping:
            if is_woken or not self._parts.queue.is_still_empty():
                try:
                    await self._claim()
                except Exception:
                    log.exception("claim_failed")
            is_woken = await self._wait_for_work()

    async def _claim(self) -> None:
        """Take what may begin: called runs beside the slots, others as far as slots are free."""
        owner, queue = self._parts.owner(), self._parts.queue
        if owner is None:
            return
        if self._is_unsure:
            self._start(await self._lost_claims(owner))
            self._is_unsure = False
        called = self._parts.called.beside(self._running)
        if called:
            self._start(await self._known(queue.claim_called(owner, called)))
        free = self._parts.slots - self._parts.called.taking_slots(self._running)
        if free > 0:
            takes_any = self._parts.takes_any
            self._start(await self._known(queue.claim(owner, free, takes_any=takes_any)))

    async def _known(self, claim: Awaitable[list[Run]]) -> list[Run]:
        """What was claimed; as long as the answer is out, nobody knows."""
        self._is_unsure = True
        runs = await claim
        self._is_unsure = False
        return runs

    async def _lost_claims(self, owner: ProcessId) -> list[Run]:
        """What a claim whose answer was lost may have claimed."""
        held = await self._parts.queue.held(owner)
        return [run for run in held if run.id not in self._running]

    def _start(self, runs: Sequence[Run]) -> None:
        for run in runs:
            task = asyncio.create_task(self._handle(run), name=f"run {run.id}")
            self._running[run.id] = task
            task.add_done_callback(partial(self._ended, run.id))

    def _ended(self, run_id: RunId, _: asyncio.Task[None]) -> None:
        del self._running[run_id]
        self._wake.set()

    async def _wait_for_work(self) -> bool:
        """Whether something says that there is work; else it is time to look."""
        try:
            async with asyncio.timeout(until_next(self._parts.clock, POLL_SECONDS)):
                await self._wake.wait()
        except TimeoutError:
            return False
        finally:
            self._wake.clear()
        return True


class LocalKind:
    """`[executor] kind = "local"`, the default."""

    name: ClassVar[str] = "local"

    async def start(self, parts: ExecutorParts, handle: RunHandler) -> Executor:
        return LocalExecutor(parts, handle)


EXECUTOR = LocalKind()
