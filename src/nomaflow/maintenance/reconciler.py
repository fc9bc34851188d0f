"""Holds what should fire against what is armed: a job that silently stopped raises an alarm."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nomaflow.clock import Clock
from nomaflow.domain.job import Job, JobId
from nomaflow.log import FactLog

RECONCILE_SECONDS = 60.0
PATIENCE = timedelta(seconds=120)
log = FactLog()


@dataclass
class Reconciler:
    """`armed` is when the scheduler will fire the job, `expected` when its own schedule says so.

    A job whose schedule goes on has to be armed, and for a time that is not long past. One that
    is not for 2 minutes is in alarm until it is.
    """

    clock: Clock
    jobs: Callable[[], Iterable[Job]]
    armed: Callable[[JobId], datetime | None]
    expected: Callable[[Job, datetime], datetime | None]
    _silent_since: dict[JobId, float] = field(default_factory=dict)
    _alarms: dict[JobId, str] = field(default_factory=dict)

    def alarm(self, job_id: JobId) -> str | None:
        """Why somebody should look at the job; None when all is well."""
        return self._alarms.get(job_id)

    async def look(self) -> None:
        """Raise and end alarms."""
        now, steady = self.clock.now(), self.clock.steady()
        silent = {job.id for job in self.jobs() if self._is_silent(job, now)}
        self._silent_since = {each: self._silent_since.get(each, steady) for each in silent}
        for job_id, since in self._silent_since.items():
            if job_id not in self._alarms and steady - since >= PATIENCE.total_seconds():
                self._raise(job_id)
        for job_id in self._alarms.keys() - silent:
            del self._alarms[job_id]
            log.info("job_armed_again", job_id=job_id)

    def _is_silent(self, job: Job, now: datetime) -> bool:
        """The schedule itself is asked only when the cheap answer is no."""
        due = self.armed(job.id)
        is_armed = due is not None and due > now - PATIENCE
        return not is_armed and self.expected(job, now) is not None

    def _raise(self, job_id: JobId) -> None:
        due = self.armed(job_id)
        when = "is not armed" if due is None else f"did not fire at {due.isoformat()}"
        self._alarms[job_id] = f"The job {when}, though it is enabled and its schedule goes on."
        log.error("job_not_armed", job_id=job_id, reason=self._alarms[job_id])
