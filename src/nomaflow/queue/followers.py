"""Jobs after jobs: the runs that an ended run starts."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from nomaflow.domain.job import After, Job, JobId
from nomaflow.domain.pause import Pause, pause_of
from nomaflow.domain.run import NewRun, Run, TriggerId
from nomaflow.domain.states import RunState
from nomaflow.history.pauses import pauses_in
from nomaflow.history.rows import RUN_COLUMNS, as_run
from nomaflow.history.tables import job_runs
from nomaflow.queue.admission import DueRun

FollowersByJob = Mapping[str, Sequence[tuple[Job, After]]]


def nobody() -> FollowersByJob:
    """No job comes after another."""
    return {}


def no_revision(_: JobId) -> int | None:
    """The definition is kept nowhere."""
    return None


class Followers:
    """`followers` names the jobs that come after each job, with the entry that says so.

    `revision` is the one that holds a job's definition.
    """

    def __init__(
        self,
        followers: Callable[[], FollowersByJob] = nobody,
        revision: Callable[[JobId], int | None] = no_revision,
    ) -> None:
        self._followers = followers
        self._revision = revision

    def of(self, connection: Connection, ended: Collection[int]) -> list[DueRun]:
        """The runs to be after those that ended; each is due once per run and entry."""
        followers = self._followers()
        if not followers:
            return []
        query = select(*RUN_COLUMNS).where(job_runs.c.id.in_(ended)).order_by(job_runs.c.id)
        runs = [as_run(row) for row in connection.execute(query)]
        counted = [
            (run, job, entry)
            for run in runs
            for job, entry in followers.get(run.job_id, ())
            if entry.counts(run.state)
        ]
        if not counted:
            return []
        ended_at = [run.finished_at for run, _, _ in counted if run.finished_at]
        pauses = pauses_in(connection, min(ended_at))
        return [due for each in counted for due in self._due(*each, pauses)]

    def _due(self, run: Run, job: Job, entry: After, pauses: Sequence[Pause]) -> Iterator[DueRun]:
        at: datetime | None = run.finished_at
        if at is None:
            return
        pause = pause_of(pauses, job.id, at)
        new = NewRun(
            job_id=job.id,
            triggered_by=f"job:{run.job_id}",
            trigger_id=TriggerId(f"after:{entry.on}:{run.id}"),
            scheduled_at=at,
            state=RunState.SKIPPED if pause else RunState.QUEUED,
            reason=str(pause) if pause else None,
            on_behalf_of=run.session_user,
            revision_id=self._revision(job.id),
        )
        yield new, job.overlap
