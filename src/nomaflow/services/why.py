"""Why did it not run, or when will it: what is known of a job near an instant."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from nomaflow.catalogue.model import Catalogue
from nomaflow.clock import Clock
from nomaflow.domain.job import Job
from nomaflow.domain.pause import Pause
from nomaflow.domain.run import Run
from nomaflow.history.near import NearRuns
from nomaflow.services.views import View, instant, pause_view, run_summary
from nomaflow.triggers.outlook import Outlook


class Schedules(Protocol):
    """What is known of schedules beside their rows."""

    async def pauses(self, since: datetime) -> Sequence[Pause]:
        """The global pauses that were in force at or after that instant."""

    async def last_look(self) -> datetime | None:
        """When a scheduler last looked at the clock."""

    def outlooks(self, job: Job, at: datetime, pauses: Sequence[Pause]) -> Sequence[Outlook]:
        """What each schedule of the job names near `at`."""


class Why:
    """Answers from rows and schedules alone; nothing is guessed."""

    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        runs: NearRuns,
        schedules: Schedules,
        clock: Clock,
    ) -> None:
        self._catalogue = catalogue
        self._runs = runs
        self._schedules = schedules
        self._clock = clock

    async def near(self, job_id: str, at: datetime | None = None) -> View:
        """The answer in a sentence, and what it rests on. Raises NotFound.

        InvalidConfiguration for a broken job: its problems are why.
        """
        job = self._catalogue().job(job_id)
        now = self._clock.now()
        at = at or now
        pauses = await self._schedules.pauses(min(at, now))
        outlooks = self._schedules.outlooks(job, at, pauses)
        runs = await self._runs.of(job.id, [each.trigger_id for each in outlooks], at)
        pause = next((each for each in pauses if each.covers(at)), None)
        looked_at = await self._schedules.last_look()
        answer = _answer(at, now, outlooks, runs, looked_at) if outlooks else _without_schedule(job)
        return {
            "job_id": job.id,
            "at": instant(at),
            "answer": answer,
            "pause": None if pause is None else pause_view(pause),
            "schedules": [_schedule(each) for each in outlooks],
            "runs": [run_summary(run) for run in runs],
        }


def _answer(
    at: datetime,
    now: datetime,
    outlooks: Sequence[Outlook],
    runs: Sequence[Run],
    looked_at: datetime | None,
) -> str:
    rows = {(str(run.trigger_id), run.scheduled_at): run for run in runs}
    latest = max(outlooks, key=lambda each: instant(each.previous_due) or "")
    told = [_told(latest, rows.get((latest.trigger_id, latest.previous_due)), now, looked_at)]
    if at >= now or not told[0]:
        told.append(_next(outlooks))
    return " ".join(filter(None, told))


def _without_schedule(job: Job) -> str:
    if not job.enabled:
        return "The job is disabled: its schedule is ignored; running by hand still works."
    if job.after:
        parents = ", ".join(f"'{entry.job}' ({entry.on})" for entry in job.after)
        return f"The job has no schedule: it runs after {parents}, or by hand."
    return "The job has no schedule: it runs by hand only."


def _told(outlook: Outlook, run: Run | None, now: datetime, looked_at: datetime | None) -> str:
    """What became of the last due time."""
    due = outlook.previous_due
    if due is None or due > now:
        return ""
    if run is None and (looked_at is None or looked_at < due):
        since = f" since {instant(looked_at)}" if looked_at else ""
        return f"The job was due at {instant(due)}, but no service has kept schedules{since}."
    if run is None:
        return (
            f"By its schedule of today the job was due at {instant(due)}, and there is no row: the "
            "schedule was not in force then (new, changed or disabled), or the row was deleted."
        )
    reason = f": {run.reason}" if run.reason else ""
    return f"The due time {instant(due)} is run {run.id}, {run.state}{reason}."


def _next(outlooks: Sequence[Outlook]) -> str:
    coming = [each for each in outlooks if each.next_due is not None]
    if not coming:
        return "There is no further due time."
    first = min(coming, key=lambda each: str(instant(each.next_due)))
    held = f", and will be held back: {first.held_back}" if first.held_back else ""
    return f"The next due time is {instant(first.next_due)}{held}."


def _schedule(outlook: Outlook) -> View:
    return {
        "trigger_id": outlook.trigger_id,
        "words": dict(outlook.words),
        "previous_due_at": instant(outlook.previous_due),
        "next_due_at": instant(outlook.next_due),
        "held_back": outlook.held_back,
    }
