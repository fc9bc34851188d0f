"""This process's sign of life, and the rescue of what dead processes left behind."""

import asyncio

import structlog

from nomaflow.clock import Clock
from nomaflow.domain.events import RunChanged
from nomaflow.domain.run import ProcessId
from nomaflow.events.bus import Bus
from nomaflow.history.processes import ProcessRegistry

BEAT_SECONDS = 5.0
DEAD_AFTER_SECONDS = 30.0
log = structlog.get_logger()


class Presence:
    """Beats while it is open; each beat also looks for runs whose process died."""

    def __init__(self, processes: ProcessRegistry, bus: Bus, clock: Clock, kind: str) -> None:
        self._processes = processes
        self._bus = bus
        self._clock = clock
        self._kind = kind
        self._beating: asyncio.Task[None] | None = None
        self.process_id = ProcessId("")

    async def open(self) -> None:
        """Sign in, and end the runs of the dead as FAILED, `lost in restart`."""
        self.process_id = await self._processes.register(self._kind)
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
            await self._clock.sleep(BEAT_SECONDS)
            try:
                if not await self._processes.heartbeat(self.process_id):
                    log.error("process_taken_for_dead", process_id=self.process_id)
                await self._rescue()
            except Exception:
                log.exception("heartbeat_failed")

    async def _rescue(self) -> None:
        dead = await self._processes.dead(silent_seconds=DEAD_AFTER_SECONDS)
        for run in await self._processes.rescue(dead) if dead else ():
            log.warning("run_rescued", run_id=run.id, job_id=run.job_id)
            self._bus.publish(RunChanged(run.id))
