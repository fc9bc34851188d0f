"""Schedule and clock -> decisions: what is queued, what was missed, when to look again. Pure."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from itertools import islice

from nomaflow.domain.job import JobId, Misfire
from nomaflow.domain.pause import Pause, pause_of
from nomaflow.domain.run import TriggerId
from nomaflow.domain.states import RunState
from nomaflow.triggers.base import Trigger
from nomaflow.triggers.calendar import Exclusions

DEFAULT_GRACE = timedelta(seconds=60)
MOST_ROWS = 100
MOST_COUNTED = 10_000
_AT_ONCE = timedelta(seconds=30)
_SHORT = timedelta(minutes=2)

Key = tuple[JobId, TriggerId]
Excuse = Callable[[datetime], str | None]


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """An enabled job's schedule. Reasons show local times of `zone`; the trigger has its own.

    `exclusions` tell why a due time starts nothing: what the job's calendar says.
    """

    job_id: JobId
    trigger_id: TriggerId
    trigger: Trigger
    zone: tzinfo = UTC
    misfire: Misfire = "skip"
    misfire_grace: timedelta = DEFAULT_GRACE
    exclusions: Exclusions | None = None

    @property
    def key(self) -> Key:
        return self.job_id, self.trigger_id


@dataclass(frozen=True, slots=True)
class Decision:
    """One row to be: the run of a due time, QUEUED, or born MISSED or SKIPPED with its reason.

    One that `waits_turn` is caught up: it runs after the job's earlier runs, whatever `overlap`.
    """

    job_id: JobId
    trigger_id: TriggerId
    scheduled_at: datetime
    state: RunState
    reason: str | None = None
    waits_turn: bool = False


@dataclass(frozen=True)
class Plan:
    """What follows from the facts. `cursor` is the last due time that is now decided."""

    decisions: tuple[Decision, ...]
    cursor: datetime
    next_due: datetime | None


@dataclass(frozen=True)
class Silence:
    """Nobody looked at the clock after `since`, as far as is known, and why."""

    since: datetime | None = None
    cause: str = "service down"


AWAKE = Silence()


@dataclass(frozen=True)
class Gap:
    """The due times that passed while nobody looked, from `since` until `until`.

    `latest` holds the last 101 of them, oldest first; `count` is of all, up to MOST_COUNTED.
    """

    first: datetime
    latest: Sequence[datetime]
    count: int
    since: datetime
    until: datetime
    cause: str


def plan(
    entry: ScheduleEntry,
    cursor: datetime | None,
    now: datetime,
    silence: Silence = AWAKE,
    pauses: Sequence[Pause] = (),
) -> Plan:
    """Decide every due time in (cursor, now].

    `cursor` is the last due time that was decided. None (a new job), or one in the future (the
    clock was set back): nothing before `now` is caught up.
    """
    excuse = partial(held_back, entry, pauses)
    reached = now if cursor is None else min(cursor, now)
    due = entry.trigger.next_after(reached)
    gap = None
    if due is not None and due < now - entry.misfire_grace:
        gap = _gap(entry, due, now, silence)
        reached = gap.latest[-1]
        due = entry.trigger.next_after(reached)
    on_time = []
    while due is not None and due <= now:
        on_time.append(due)
        reached, due = due, entry.trigger.next_after(due)
    late = _of_gap(entry, gap, excuse, on_time) if gap else []
    waits_turn = any(decision.waits_turn for decision in late)
    prompt = [_of_due(entry, at, excuse(at), waits_turn=waits_turn) for at in on_time]
    return Plan((*late, *prompt), reached, due)


def held_back(entry: ScheduleEntry, pauses: Sequence[Pause], due: datetime) -> str | None:
    """Why the due time starts nothing although somebody looked; None: it starts."""
    pause = pause_of(pauses, entry.job_id, due)
    if pause is not None:
        return str(pause)
    return entry.exclusions.reason(due) if entry.exclusions else None


def _of_due(
    entry: ScheduleEntry, due: datetime, excuse: str | None, *, waits_turn: bool
) -> Decision:
    if excuse is not None:
        return Decision(*entry.key, due, RunState.SKIPPED, excuse)
    return Decision(*entry.key, due, RunState.QUEUED, waits_turn=waits_turn)


def skip(_missed: Sequence[datetime], *, is_followed: bool) -> Sequence[datetime]:  # noqa: ARG001  # as the others
    """None is started."""
    return ()


def last(missed: Sequence[datetime], *, is_followed: bool) -> Sequence[datetime]:
    """The last one stands for all, unless another due time is on time right now."""
    return () if is_followed else missed[-1:]


def every(missed: Sequence[datetime], *, is_followed: bool) -> Sequence[datetime]:  # noqa: ARG001  # as the others
    """Each is started."""
    return missed


MISFIRE_POLICIES: Mapping[Misfire, Callable[..., Sequence[datetime]]] = {
    "skip": skip,
    "last": last,
    "all": every,
}


def _of_gap(
    entry: ScheduleEntry, gap: Gap, excuse: Excuse, on_time: Sequence[datetime]
) -> list[Decision]:
    """A row for each missed due time; those before the first that is started share one row when
    there are more than a hundred in the gap."""
    latest = list(gap.latest)[-MOST_ROWS:]
    missed = [due for due in latest if excuse(due) is None]
    is_followed = any(excuse(due) is None for due in on_time)
    started = MISFIRE_POLICIES[entry.misfire](missed, is_followed=is_followed)
    shared = []
    if gap.count > MOST_ROWS:
        latest = latest[latest.index(started[0]) :] if started else []
        shared = [_summary(entry, gap, excuse, apart=len(latest))]
    return [*shared, *(_of_late(entry, gap, due, excuse(due), started) for due in latest)]


def _of_late(
    entry: ScheduleEntry,
    gap: Gap,
    due: datetime,
    excuse: str | None,
    started: Sequence[datetime],
) -> Decision:
    if excuse is not None or due in started:
        return _of_due(entry, due, excuse, waits_turn=entry.misfire == "all")
    return Decision(*entry.key, due, RunState.MISSED, _reason(entry, gap))


def _summary(entry: ScheduleEntry, gap: Gap, excuse: Excuse, *, apart: int) -> Decision:
    """One row for all due times of the gap but the last `apart`; it has the last one's instant."""
    final = gap.latest[-1 - apart]
    excuses = {excuse(due) for due in (gap.first, *gap.latest)}
    is_excused = None not in excuses
    state = RunState.SKIPPED if is_excused else RunState.MISSED
    reason = excuse(final) if is_excused else _reason(entry, gap)
    first, last = (at.astimezone(entry.zone).isoformat() for at in (gap.first, final))
    count = gap.count - apart if gap.count < MOST_COUNTED else f"{MOST_COUNTED} or more"
    told = f"{reason}, {count} due times, first {first}, last {last}"
    return Decision(*entry.key, final, state, told)


def _reason(entry: ScheduleEntry, gap: Gap) -> str:
    start, end = gap.since.astimezone(entry.zone), gap.until.astimezone(entry.zone)
    form = "%H:%M" if end - start >= _SHORT else "%H:%M:%S"
    form = form if start.date() == end.date() else f"%Y-%m-%d {form}"
    return f"{gap.cause} {start:{form}}–{end:{form}}"


def _gap(entry: ScheduleEntry, first: datetime, now: datetime, silence: Silence) -> Gap:
    on_time = now - entry.misfire_grace
    latest, count = deque([first], maxlen=MOST_ROWS + 1), 1
    for due in islice(_due_times(entry.trigger, after=first, before=on_time), MOST_COUNTED - 1):
        latest.append(due)
        count += 1
    if count == MOST_COUNTED:
        latest.extend(_latest(entry.trigger, after=latest[-1], before=on_time))
    since = min(silence.since or first, first)
    return Gap(first, latest, count, since, now, _cause(silence, first))


def _cause(silence: Silence, first: datetime) -> str:
    """Who looked after the due time and did not decide it had a job that could not be used."""
    if silence.since is not None and silence.since > first + _AT_ONCE:
        return "job broken or store away"
    return silence.cause


def _due_times(trigger: Trigger, *, after: datetime, before: datetime) -> Iterator[datetime]:
    due = trigger.next_after(after)
    while due is not None and due < before:
        yield due
        due = trigger.next_after(due)


def _latest(trigger: Trigger, *, after: datetime, before: datetime) -> list[datetime]:
    """The last due times in (after, before), 101 at least, found by looking further back."""
    reach = timedelta(minutes=1)
    while True:
        start = max(after, before - reach)
        found = list(_due_times(trigger, after=start, before=before))
        if len(found) > MOST_ROWS or start == after:
            return found
        reach *= 2
