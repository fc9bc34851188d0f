"""Runs execute in this process: one loop claims while slots are free."""

import asyncio
from typing import ClassVar

import structlog

from nomaflow.domain.events import RunsQueued
from nomaflow.domain.run import Run
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
        self._running: set[asyncio.Task[None]] = set()
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
        free = self._parts.slots - len(self._running)
        if free <= 0:
            return 0
        runs = await self._parts.queue.claim(self._parts.owner, free)
        for run in runs:
            self._start(run)
        return len(runs)

    def _start(self, run: Run) -> None:
        task = asyncio.create_task(self._handle(run), name=f"run {run.id}")
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
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
