"""Between catalogue and run queue: which schedules there are, what a decision writes."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from nomaflow.catalogue.model import Catalogue
from nomaflow.domain.durations import duration
from nomaflow.domain.events import RunsQueued
from nomaflow.domain.job import Job, JobId
from nomaflow.domain.pause import Pause
from nomaflow.domain.run import INTERVAL, NewRun, RunOptions, TriggerId, preset_trigger, with_preset
from nomaflow.events.bus import Bus
from nomaflow.history.pauses import PauseHistory
from nomaflow.history.schedules import ScheduleHistory
from nomaflow.log import FactLog
from nomaflow.queue.admission import DueRun
from nomaflow.queue.run_queue import RunQueue
from nomaflow.scheduler.plan import Decision, Key, ScheduleEntry, held_back
from nomaflow.triggers.base import InvalidSchedule, Trigger
from nomaflow.triggers.calendar import Calendar, Exclusions, Moved
from nomaflow.triggers.cron import CronTrigger
from nomaflow.triggers.declared import trigger_of
from nomaflow.triggers.outlook import Outlook, previous_due
from nomaflow.triggers.window import within

log = FactLog()


@dataclass(frozen=True)
class Firing:
    """`zone` is the IANA name of the zone of jobs that name none."""

    catalogue: Callable[[], Catalogue]
    queue: RunQueue
    bus: Bus
    schedules: ScheduleHistory
    pause_history: PauseHistory
    zone: str
    pack: Callable[[RunOptions], str | None]
    revision: Callable[[JobId], Awaitable[int | None]]

    def entries(self) -> Iterator[ScheduleEntry]:
        """The schedules of the enabled jobs; one that cannot be used is left out and logged."""
        for job in self.catalogue().jobs.values():
            try:
                yield from self.entries_of(job)
            except InvalidSchedule as error:
                log.warning("schedule_suspended", job_id=job.id, reason=str(error))

    async def cursors(self) -> Mapping[Key, datetime]:
        return await self.queue.cursors()

    async def last_look(self) -> datetime | None:
        return await self.schedules.last_look()

    async def note_look(self) -> None:
        await self.schedules.note_look()

    async def pauses(self, since: datetime) -> Sequence[Pause]:
        return await self.pause_history.since(since)

    async def retire(self, keys: Collection[Key]) -> Collection[Key]:
        """A broken job's cursor stays: what it misses has a row once it is whole again."""
        broken = {job.id for job in self.catalogue().broken}
        gone = [key for key in keys if key[0] not in broken]
        await self.schedules.retire(gone)
        return gone

    async def fire(self, decisions: Sequence[Decision], cursors: Mapping[Key, datetime]) -> None:
        """Write the rows and the cursors in one transaction, and wake the executors."""
        due = [
            self._due_run(decision, await self.revision(decision.job_id)) for decision in decisions
        ]
        if await self.queue.enqueue_due(due, cursors):
            self.bus.publish(RunsQueued())

    def next_due(self, job: Job, after: datetime) -> datetime | None:
        """When the job is due next; None: by hand only, disabled, or its schedule is unusable."""
        try:
            due = [entry.trigger.next_after(after) for entry in self.entries_of(job)]
        except InvalidSchedule:
            return None
        return min((at for at in due if at is not None), default=None)

    def entries_of(self, job: Job) -> list[ScheduleEntry]:
        """The job's own schedule and those of its presets. Raises InvalidSchedule."""
        if not job.enabled:
            return []
        zone = ZoneInfo(job.timezone or self.zone)
        own = trigger_of(job.schedule, job.interval, job.interval_anchor, zone.key)
        presets = [
            (preset_trigger(preset.name), CronTrigger.parse(preset.schedule, zone.key))
            for preset in job.presets
            if preset.enabled and preset.schedule is not None
        ]
        triggers = [*([own] if own else []), *presets]
        return [self._entry(job, zone, trigger_id, rule) for trigger_id, rule in triggers]

    def outlooks(self, job: Job, at: datetime, pauses: Sequence[Pause]) -> list[Outlook]:
        """What each schedule of the job names near `at`; none when it cannot be used."""
        try:
            entries = self.entries_of(job)
        except InvalidSchedule:
            return []
        return [_outlook(entry, at, pauses) for entry in entries]

    def _entry(
        self, job: Job, zone: ZoneInfo, trigger_id: TriggerId, rule: Trigger
    ) -> ScheduleEntry:
        exclusions = self._exclusions(job, zone)
        if exclusions is not None and exclusions.are_moved:
            rule = Moved(rule, exclusions)
        return ScheduleEntry(
            job.id,
            trigger_id,
            within(rule, job.start_at, job.end_at, zone),
            exclusions=exclusions,
            zone=zone,
            misfire=job.misfire,
            misfire_grace=duration(job.misfire_grace),
        )

    def _exclusions(self, job: Job, zone: ZoneInfo) -> Exclusions | None:
        rule = self.catalogue().settings.calendars.get(job.calendar or "")
        if job.calendar is None or rule is None:
            return None
        are_moved = job.on_excluded == "next_workday"
        return Exclusions(Calendar(job.calendar, rule), zone, are_moved)

    def _due_run(self, decision: Decision, revision: int | None) -> DueRun:
        job = self.catalogue().jobs.get(decision.job_id)
        run = NewRun(
            job_id=decision.job_id,
            triggered_by="interval" if decision.trigger_id == INTERVAL else "cron",
            trigger_id=decision.trigger_id,
            scheduled_at=decision.scheduled_at,
            state=decision.state,
            reason=decision.reason,
            revision_id=revision,
            waits_turn=decision.waits_turn,
            options=self._options(decision, job),
        )
        return run, job.overlap if job else "skip"

    def _options(self, decision: Decision, job: Job | None) -> str | None:
        """A preset's values, when it is the preset's schedule that fires."""
        names = {preset_trigger(preset.name): preset.name for preset in job.presets} if job else {}
        name = names.get(decision.trigger_id)
        if job is None or name is None or decision.state.is_final:
            return None
        return self.pack(with_preset(RunOptions(preset=name), job))


def _outlook(entry: ScheduleEntry, at: datetime, pauses: Sequence[Pause]) -> Outlook:
    following = entry.trigger.next_after(at)
    return Outlook(
        trigger_id=entry.trigger_id,
        words=entry.trigger.words(),
        previous_due=previous_due(entry.trigger, at),
        next_due=following,
        held_back=None if following is None else held_back(entry, pauses, following),
    )
