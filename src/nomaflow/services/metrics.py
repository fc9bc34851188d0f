"""Figures for Prometheus, of every run on the store, whichever process executes it."""

import asyncio
from collections import Counter as Tally

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)

from nomaflow.domain.run import Run
from nomaflow.domain.states import RunState
from nomaflow.history.looks import Look, Looks
from nomaflow.log import FactLog

LOOK_SECONDS = 10.0
DURATIONS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400)
LATENESS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300)

log = FactLog()


class Metrics:
    """Counts from its start on.

    Of several servers on one store each counts all of its runs: take the greatest, not the sum.
    """

    def __init__(self, looks: Looks, version: str) -> None:
        self._looks = looks
        self._seen: Look | None = None
        self._looking = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        Info("nomaflow", "This server.", registry=self._registry).info({"version": version})
        self._runs = Counter(
            "nomaflow_runs", "Runs that ended.", ["job", "state"], registry=self._registry
        )
        self._seconds = self._histogram(
            "nomaflow_run_seconds", "From the start of a run to its end.", DURATIONS, "job"
        )
        self._lateness = self._histogram(
            "nomaflow_fire_lateness_seconds",
            "From a due time to the row of its run, missed ones left out.",
            LATENESS,
        )
        self._in_flight = {
            state: Gauge(
                f"nomaflow_runs_{state.value.lower()}",
                f"Runs that are {state.value}.",
                registry=self._registry,
            )
            for state in (RunState.QUEUED, RunState.RUNNING)
        }

    async def start(self) -> None:
        """Count from now on. Raises Unreachable."""
        self._seen = await self._looks.look()
        self._task = asyncio.create_task(self._look_forever())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def text(self) -> bytes:
        """All figures as they are now, in Prometheus' text format. Raises Unreachable."""
        await self._look()
        return await asyncio.to_thread(generate_latest, self._registry)

    async def _look_forever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look()
            except Exception:
                log.exception("metrics_failed")

    async def _look(self) -> None:
        async with self._looking:
            before, now = self._seen, await self._looks.look(self._seen)
            if before is not None:
                for run in await self._looks.runs(now.runs_moved_since(before)):
                    self._count(run, is_new=run.id not in before.runs)
            self._seen = now
        tally = Tally(mark.state for mark in now.runs.values())
        for state, gauge in self._in_flight.items():
            gauge.set(tally[state])

    def _count(self, run: Run, *, is_new: bool) -> None:
        if is_new and run.scheduled_at is not None and run.state is not RunState.MISSED:
            self._lateness.observe((run.created_at - run.scheduled_at).total_seconds())
        if run.state.is_final:
            self._runs.labels(run.job_id, run.state.value).inc()
            if run.started_at is not None and run.finished_at is not None:
                seconds = (run.finished_at - run.started_at).total_seconds()
                self._seconds.labels(run.job_id).observe(seconds)

    def _histogram(
        self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(name, meaning, labels, registry=self._registry, buckets=buckets)
