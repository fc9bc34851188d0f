"""This process's sign of life, and the rescue of what dead processes left behind."""

import asyncio
from collections.abc import Callable

from nomaflow.clock import Clock
from nomaflow.domain.events import ProcessLost, RunChanged, RunFinished, RunsQueued
from nomaflow.domain.job import JobId
from nomaflow.domain.run import ProcessId
from nomaflow.events.bus import Bus
from nomaflow.history.processes import ProcessRegistry
from nomaflow.log import FactLog

BEATS_UNTIL_DEAD = 6
log = FactLog()


class Presence:
    """Beats while it is open; each beat also looks for runs whose process died.

    `resumes` tells whether a job's runs go on then, or are lost.

    Who was silent for `dead_after_seconds` is taken for dead. One that wakes up after that stops
    what it executes, registers again and goes on with new work. After an outage of the store, or a
    sleep of this machine, the others' silence counts anew: nobody has had the chance to beat.
    """

    def __init__(
        self,
        processes: ProcessRegistry,
        bus: Bus,
        clock: Clock,
        *,
        resumes: Callable[[JobId], bool],
        dead_after_seconds: float,
    ) -> None:
        self._processes = processes
        self._bus = bus
        self._clock = clock
        self._kind = ""
        self._resumes = resumes
        self._dead_after = dead_after_seconds
        self._beating: asyncio.Task[None] | None = None
        self._heard_at = self._in_touch_since = clock.steady()
        self.process_id = ProcessId("")

    def claimant(self) -> ProcessId | None:
        """Who may claim runs: this process, or None while the others may take it for dead."""
        silent = self._clock.steady() - self._heard_at
        return self.process_id if silent < self._dead_after / 2 else None

    async def open(self, kind: str) -> None:
        """Sign in as `kind`, such as `server`, and deal with the runs of the dead."""
        self._kind = kind
        await self._register()
        await self._rescue()
        self._beating = asyncio.create_task(self._beat_forever())

    async def close(self) -> None:
        """Sign out: nobody needs to wait for this process to be found dead."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait({self._beating})
            await self._processes.remove(self.process_id)

    async def _beat_forever(self) -> None:
        while True:
            await self._clock.sleep(self._dead_after / BEATS_UNTIL_DEAD)
            try:
                await self._beat()
                await self._rescue()
            except Exception:
                self._in_touch_since = self._clock.steady()
                log.exception("heartbeat_failed")

    async def _beat(self) -> None:
        began = self._clock.steady()
        is_known = await self._processes.heartbeat(self.process_id)
        if self._clock.steady() - self._heard_at >= self._dead_after:
            self._in_touch_since = self._clock.steady()
        if is_known:
            self._heard_at = began
            return
        log.error("process_taken_for_dead", process_id=self.process_id)
        self._bus.publish(ProcessLost())
        await self._register()
        self._bus.publish(RunsQueued())

    async def _register(self) -> None:
        began = self._clock.steady()
        self.process_id = await self._processes.register(self._kind)
        self._heard_at = began

    async def _rescue(self) -> None:
        dead = await self._processes.dead(
            silent_seconds=self._dead_after, in_touch_since=self._in_touch_since
        )
        if not dead:
            return
        for run in await self._processes.rescue(dead, self._resumes):
            log.warning("run_rescued", run_id=run.id, job_id=run.job_id)
            self._bus.publish(RunChanged(run.id))
            if run.state.is_final:
                self._bus.publish(RunFinished(run.id))
        self._bus.publish(RunsQueued())
