"""Limits shared by jobs: how many of their runs may be RUNNING at a time, in all processes."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from nomaflow.domain.job import JobId
from nomaflow.domain.states import RunState
from nomaflow.history.tables import job_runs

Candidate = tuple[int, JobId]


@dataclass(frozen=True)
class Limits:
    """How many slots each limit has, and which limits a job's runs need a slot of."""

    slots: Mapping[str, int] = field(default_factory=dict)
    of_job: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Slots:
    """The slots that are free now. A slot belongs to a RUNNING run, so none outlives its run."""

    def __init__(self, limits: Limits, running: Mapping[JobId, int]) -> None:
        self._limits = limits
        self._free = Counter(limits.slots)
        for job_id, count in running.items():
            for name in limits.of_job.get(job_id, ()):
                self._free[name] -= count

    @classmethod
    def free(cls, connection: Connection, limits: Limits) -> "Slots":
        """Counted in the store, under the lock that claims hold."""
        counted = select(job_runs.c.job_id, func.count()).where(
            job_runs.c.state == RunState.RUNNING
        )
        return cls(limits, dict(iter(connection.execute(counted.group_by(job_runs.c.job_id)))))

    def jobs_without(self) -> list[str]:
        """The jobs whose runs must wait for a slot."""
        return [job for job, names in self._limits.of_job.items() if not self._has(names)]

    def take(self, candidates: Iterable[Candidate]) -> list[int]:
        """Of the candidates, in their order, the ids of those that get their slots."""
        taken = []
        for run_id, job_id in candidates:
            names = self._limits.of_job.get(job_id, ())
            if self._has(names):
                self._free.subtract(names)
                taken.append(run_id)
        return taken

    def takes_called(self, job_id: JobId, callers: Iterable[JobId]) -> bool:
        """Whether a called run gets its slots; those that its callers have serve it too."""
        theirs = {name for caller in callers for name in self._limits.of_job.get(caller, ())}
        names = [name for name in self._limits.of_job.get(job_id, ()) if name not in theirs]
        if not self._has(names):
            return False
        self._free.subtract(names)
        return True

    def _has(self, names: Sequence[str]) -> bool:
        return all(self._free[name] > 0 for name in names)


LimitsInForce = Callable[[], Limits]


def fill(
    slots: Slots, most: int, candidates: Callable[[Sequence[str]], Sequence[Candidate]]
) -> list[int]:
    """Up to `most` runs that have their slots.

    `candidates(without)` gives the next runs, `most` of them, of jobs other than those `without`
    a slot; runs that are taken already may be among them.
    """
    taken: list[int] = []
    while len(taken) < most:
        found = [each for each in candidates(slots.jobs_without()) if each[0] not in taken]
        got = slots.take(found[: most - len(taken)])
        taken += got
        if len(got) == len(found):
            break
    return taken
