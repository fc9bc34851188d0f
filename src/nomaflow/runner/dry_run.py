"""One step's dry run: what its attempt would do, outside of any run."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from nomaflow.clock import Clock
from nomaflow.domain.job import Job, LogLevel
from nomaflow.domain.run import Run, RunId, RunOptions
from nomaflow.domain.states import RunState
from nomaflow.runner.briefing import Briefing
from nomaflow.runner.hosts.hosts import Hosts
from nomaflow.steps.base import Output

Brief = Callable[[Run, Job, RunOptions, datetime | None], Briefing]


class DryRuns:
    """Executes steps of such types as heed `ctx.dry_run`, where their attempts execute."""

    def __init__(self, brief: Brief, hosts: Hosts, clock: Clock) -> None:
        self._brief = brief
        self._hosts = hosts
        self._clock = clock

    async def of(self, job: Job, index: int, options: RunOptions, by: str) -> Output:
        """What step `index` would do for this caller. Raises what its attempt would raise."""
        briefing = self._brief(self._run(job, by), job, options, None)
        request = briefing.request(index, 1)
        facts = replace(request.facts, dry_run=True)
        return await self._hosts.run(replace(request, facts=facts), _Silence())

    def _run(self, job: Job, by: str) -> Run:
        """A run that nobody has stored."""
        now = self._clock.now()
        return Run(
            id=RunId(0),
            job_id=job.id,
            state=RunState.RUNNING,
            reason=None,
            triggered_by=by,
            trigger_id=None,
            scheduled_at=None,
            created_at=now,
            started_at=now,
            finished_at=None,
            not_before=None,
            attempt=1,
            owner=None,
            options=None,
            params={},
            revision_id=None,
            cancel_requested_at=None,
            cancel_requested_by=None,
        )


class _Silence:
    """A dry run's lines go nowhere: what it found is in its output."""

    def log(self, level: LogLevel, message: str, source: str, at: datetime) -> None:
        """Drop the line."""

    def progress(self, done: int, total: int | None) -> None:
        """Drop the figure."""
