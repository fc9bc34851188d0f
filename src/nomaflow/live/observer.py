"""Watches the store while somebody listens, so that runs of every process are told alike."""

import asyncio
from collections.abc import Callable, Iterable

from nomaflow.domain.events import (
    CancelRequested,
    CatalogueChanged,
    LinesLogged,
    RunChanged,
    RunsQueued,
    StepChanged,
    StepProgressed,
)
from nomaflow.events.bus import Bus
from nomaflow.history.looks import Look, Looks
from nomaflow.live.subscriber import Subscriber
from nomaflow.log import FactLog

LOOK_SECONDS = 0.4
PAUSE_SECONDS = 0.05
SHARE = 5
"""Looking takes at most one part in so many of the time."""

log = FactLog()


class Observer:
    """Tells the subscribers what changed in the store.

    The bus says when to look at once; a look by the clock finds what other processes did.
    """

    def __init__(
        self, looks: Looks, bus: Bus, subscribers: Callable[[], Iterable[Subscriber]]
    ) -> None:
        self._looks = looks
        self._bus = bus
        self._subscribers = subscribers
        self._seen: Look | None = None
        self._task: asyncio.Task[None] | None = None
        self._hint = asyncio.Event()
        self._starting = asyncio.Lock()
        self._forget = [
            bus.subscribe(LinesLogged, self._lines_logged),
            bus.subscribe(StepProgressed, self._step_progressed),
            bus.subscribe(CatalogueChanged, self._catalogue_changed),
            *(
                bus.subscribe(kind, lambda _: self._hint.set())
                for kind in (RunsQueued, RunChanged, StepChanged, CancelRequested)
            ),
        ]

    async def start(self) -> None:
        """Watch from now on: every change after the return is told. Raises Unreachable."""
        async with self._starting:
            if self._task is None:
                self._seen = await self._looks.look()
                self._task = asyncio.create_task(self._watch())

    async def pause(self) -> None:
        """Nobody listens."""
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.wait({task})

    async def stop(self) -> None:
        await self.pause()
        for forget in self._forget:
            forget()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._hinted_within(LOOK_SECONDS)
            begun = loop.time()
            try:
                await self._look()
            except Exception:
                log.exception("watch_failed")
            await asyncio.sleep(max(PAUSE_SECONDS, (loop.time() - begun) * (SHARE - 1)))

    async def _hinted_within(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hint.wait()
        except TimeoutError:
            pass
        self._hint.clear()

    async def _look(self) -> None:
        before = self._seen
        now = await self._looks.look(before)
        if before is not None:
            await self._tell(before, now)
        self._seen = now

    async def _tell(self, before: Look, now: Look) -> None:
        run_keys = now.runs_moved_since(before)
        step_keys = now.steps_moved_since(before)
        runs = await self._looks.runs(run_keys)
        steps = await self._looks.steps(step_keys)
        jobs = {run_id: mark.job_id for run_id, mark in (before.runs | now.runs).items()}
        for subscriber in self._subscribers():
            for step in steps:
                subscriber.step_changed(jobs[step.run_id], step)
            for run in runs:
                subscriber.run_changed(run)
            for run_id in now.running:
                subscriber.lines_logged(run_id)
            if now.newest_revision != before.newest_revision:
                subscriber.catalogue_changed()

    def _lines_logged(self, event: LinesLogged) -> None:
        for subscriber in self._subscribers():
            subscriber.lines_logged(event.run_id)

    def _step_progressed(self, event: StepProgressed) -> None:
        for subscriber in self._subscribers():
            subscriber.step_progressed(event.run_id, event.step, event.progress)

    def _catalogue_changed(self, _: CatalogueChanged) -> None:
        for subscriber in self._subscribers():
            subscriber.catalogue_changed()
