"""Schedule and clock -> decisions: what is queued, what was missed, when to look again. Pure."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from typing import Literal

from nomaflow.domain.job import JobId
from nomaflow.domain.run import TriggerId
from nomaflow.domain.states import RunState
from nomaflow.triggers.base import Trigger

DEFAULT_GRACE = timedelta(seconds=60)
MOST_ROWS = 100
MOST_COUNTED = 10_000

Key = tuple[JobId, TriggerId]
MisfirePolicy = Literal["skip"]


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """An enabled job's schedule. Reasons show local times of `zone`; the trigger has its own."""

    job_id: JobId
    trigger_id: TriggerId
    trigger: Trigger
    zone: tzinfo = UTC
    misfire: MisfirePolicy = "skip"
    misfire_grace: timedelta = DEFAULT_GRACE

    @property
    def key(self) -> Key:
        return self.job_id, self.trigger_id


@dataclass(frozen=True, slots=True)
class Decision:
    """One row to be: the run of a due time, QUEUED, or born MISSED with its reason."""

    job_id: JobId
    trigger_id: TriggerId
    scheduled_at: datetime
    state: RunState
    reason: str | None = None


@dataclass(frozen=True)
class Plan:
    """What follows from the facts. `cursor` is the last due time that is now decided."""

    decisions: tuple[Decision, ...]
    cursor: datetime
    next_due: datetime | None


@dataclass(frozen=True)
class Gap:
    """The due times that passed while nobody looked, from `since` until `until`.

    `latest` holds the last 100 of them, oldest first; `count` is of all, up to MOST_COUNTED.
    """

    first: datetime
    latest: Sequence[datetime]
    count: int
    since: datetime
    until: datetime


def plan(
    entry: ScheduleEntry,
    cursor: datetime | None,
    now: datetime,
    *,
    awake_at: datetime | None = None,
) -> Plan:
    """Decide every due time in (cursor, now].

    `cursor` is the last due time that was decided. None (a new job), or one in the future (the
    clock was set back): nothing before `now` is caught up. `awake_at` is when someone last looked.
    """
    reached = now if cursor is None else min(cursor, now)
    decisions: list[Decision] = []
    due = entry.trigger.next_after(reached)
    if due is not None and due < now - entry.misfire_grace:
        gap = _gap(entry, due, now, awake_at)
        decisions += MISFIRE_POLICIES[entry.misfire](entry, gap)
        reached = gap.latest[-1]
        due = entry.trigger.next_after(reached)
    while due is not None and due <= now:
        decisions.append(Decision(*entry.key, due, RunState.QUEUED))
        reached, due = due, entry.trigger.next_after(due)
    return Plan(tuple(decisions), reached, due)


def skip(entry: ScheduleEntry, gap: Gap) -> list[Decision]:
    """No run, but a row for each missed due time, or one row for more than a hundred."""
    reason = f"service down {_span(gap.since, gap.until, entry.zone)}"
    if gap.count <= MOST_ROWS:
        return [Decision(*entry.key, due, RunState.MISSED, reason) for due in gap.latest]
    last = gap.latest[-1]
    return [Decision(*entry.key, last, RunState.MISSED, f"{reason}, {_sum(gap, entry.zone)}")]


MISFIRE_POLICIES: Mapping[MisfirePolicy, Callable[[ScheduleEntry, Gap], list[Decision]]] = {
    "skip": skip
}


def _gap(entry: ScheduleEntry, first: datetime, now: datetime, awake_at: datetime | None) -> Gap:
    on_time = now - entry.misfire_grace
    latest, count = deque([first], maxlen=MOST_ROWS), 1
    for due in islice(_due_times(entry.trigger, after=first, before=on_time), MOST_COUNTED - 1):
        latest.append(due)
        count += 1
    if count == MOST_COUNTED:
        latest.extend(_latest(entry.trigger, after=latest[-1], before=on_time))
    return Gap(first, latest, count, min(awake_at or first, first), now)


def _due_times(trigger: Trigger, *, after: datetime, before: datetime) -> Iterator[datetime]:
    due = trigger.next_after(after)
    while due is not None and due < before:
        yield due
        due = trigger.next_after(due)


def _latest(trigger: Trigger, *, after: datetime, before: datetime) -> list[datetime]:
    """The last due times in (after, before), a hundred at least, found by looking further back."""
    reach = timedelta(minutes=1)
    while True:
        start = max(after, before - reach)
        found = list(_due_times(trigger, after=start, before=before))
        if len(found) >= MOST_ROWS or start == after:
            return found
        reach *= 2


def _span(since: datetime, until: datetime, zone: tzinfo) -> str:
    start, end = since.astimezone(zone), until.astimezone(zone)
    form = "%H:%M" if start.date() == end.date() else "%Y-%m-%d %H:%M"
    return f"{start:{form}}–{end:{form}}"


def _sum(gap: Gap, zone: tzinfo) -> str:
    first, last = gap.first.astimezone(zone), gap.latest[-1].astimezone(zone)
    count = gap.count if gap.count < MOST_COUNTED else f"{MOST_COUNTED} or more"
    return f"{count} due times, first {first.isoformat()}, last {last.isoformat()}"
