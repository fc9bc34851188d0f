"""Runs execute in this process: one loop claims while slots are free."""

import asyncio
from typing import ClassVar

import structlog

from nomaflow.domain.events import RunsQueued
from nomaflow.domain.run import ProcessId, Run, RunId
from nomaflow.queue.executors.base import Executor, ExecutorParts, RunHandler

POLL_SECONDS = 1.0
log = structlog.get_logger()


class LocalExecutor:
    """Wakes on `RunsQueued` and when a slot falls free; polls for runs of other processes."""

    def __init__(self, parts: ExecutorParts, handle: RunHandler) -> None:
        self._parts = parts
        self._handle = handle
        self._wake = asyncio.Event()
        self._stopping = False
        self._is_unsure = False
        self._running: dict[RunId, asyncio.Task[None]] = {}
        self._unsubscribe = parts.bus.subscribe(RunsQueued, lambda _: self._wake.set())
        self._loop = asyncio.create_task(self._claim_forever())

    async def stop(self) -> None:
        self._unsubscribe()
        self._stopping = True
        self._wake.set()
        await self._loop

    async def _claim_forever(self) -> None:
        while not self._stopping:
            try:
                claimed = await self._claim()
            except Exception:
                log.exception("claim_failed")
                claimed = 0
            if not claimed:
                await self._wait_for_work()

    async def _claim(self) -> int:
        free, owner = self._parts.slots - len(self._running), self._parts.owner()
        if free <= 0 or owner is None:
            return 0
        runs = await self._claimed(owner, free)
        for run in runs:
            self._start(run)
        return len(runs)

    async def _claimed(self, owner: ProcessId, free: int) -> list[Run]:
        """New claims; after a claim whose answer was lost, what it may have claimed comes first."""
        if self._is_unsure:
            held = await self._parts.queue.held(owner)
            self._is_unsure = False
            return [run for run in held if run.id not in self._running]
        self._is_unsure = True
        runs = await self._parts.queue.claim(owner, free, takes_any=self._parts.takes_any)
        self._is_unsure = False
        return runs

    def _start(self, run: Run) -> None:
        task = asyncio.create_task(self._handle(run), name=f"run {run.id}")
        self._running[run.id] = task
        task.add_done_callback(lambda _: self._ended(run.id))

    def _ended(self, run_id: RunId) -> None:
        del self._running[run_id]
        self._wake.set()

    async def _wait_for_work(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return
        finally:
            self._wake.clear()


class LocalKind:
    """`[executor] kind = "local"`, the default."""

    name: ClassVar[str] = "local"

    async def start(self, parts: ExecutorParts, handle: RunHandler) -> Executor:
        return LocalExecutor(parts, handle)


EXECUTOR = LocalKind()
