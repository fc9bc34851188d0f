"""What a schedule will do: its next due times, its words, and what DST makes of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from nomaflow.triggers.base import Trigger
from nomaflow.triggers.cron import CronTrigger
from nomaflow.triggers.interval import EPOCH, IntervalTrigger
from nomaflow.triggers.zones import first_change, local_time, offset_at, zone_named

_SECOND = timedelta(seconds=1)
_REMARKED = timedelta(days=366 * 20)


@dataclass(frozen=True)
class Preview:
    """`fires` are aware, in the schedule's zone; `words` by language code, `en` and `fr`."""

    fires: list[datetime]
    remarks: list[str]
    words: dict[str, str]


def preview(
    text: str, timezone: str, start: datetime, count: int, *, interval_anchor: str = EPOCH
) -> Preview:
    """The next `count` due times strictly after `start` (aware) of a cron expression or interval.

    DST remarks reach twenty years ahead. Raises InvalidSchedule.
    """
    zone = zone_named(timezone)
    trigger = _trigger(text, timezone, interval_anchor)
    fires = list(islice(_fires(trigger, start.astimezone(UTC)), count))
    remarks: list[str] = []
    if isinstance(trigger, CronTrigger) and fires:
        remarks += _dst_remarks(trigger, start.astimezone(UTC), fires[-1])
    if len(fires) < count:
        remarks.append("There is no further due time.")
    return Preview([fire.astimezone(zone) for fire in fires], remarks, trigger.words())


def _trigger(text: str, timezone: str, interval_anchor: str) -> Trigger:
    if text[:1].isdigit() and len(text.split()) == 1:
        return IntervalTrigger.parse(text, interval_anchor)
    return CronTrigger.parse(text, timezone)


def _fires(trigger: Trigger, start: datetime) -> Iterator[datetime]:
    fire = trigger.next_after(start)
    while fire is not None:
        yield fire
        fire = trigger.next_after(fire)


def _dst_remarks(trigger: CronTrigger, start: datetime, last: datetime) -> Iterator[str]:
    until = start + min(last - start, _REMARKED)
    change = first_change(trigger.zone, after=start, until=until)
    while change is not None:
        if remark := _dst_remark(trigger, change):
            yield remark
        change = first_change(trigger.zone, after=change, until=until)


def _dst_remark(trigger: CronTrigger, change: datetime) -> str | None:
    """What a change of offset does to the schedule; None: nothing."""
    before = (change + offset_at(change - _SECOND, trigger.zone)).replace(tzinfo=None)
    after = local_time(change, trigger.zone)
    due = trigger.expression.next_local(min(before, after) - _SECOND)
    if due is None or due >= max(before, after):
        return None
    clocks = f"in {trigger.zone.key}: clocks go from {_shown(before)} to {_shown(after)}"
    return f"{_shown(due)} {_effect(trigger, change, is_gap=after > before)} ({clocks})."


def _effect(trigger: CronTrigger, change: datetime, *, is_gap: bool) -> str:
    first_after = change.astimezone(trigger.zone).isoformat()
    is_wildcard = trigger.expression.is_wildcard
    match is_gap, is_wildcard:
        case True, True:
            return "does not exist and is passed over: the schedule follows real time"
        case True, False:
            return f"does not exist: it fires right after the gap, at {first_after}"
        case False, True:
            return "exists twice and fires both times: the schedule follows real time"
        case _:
            return "exists twice: it fires once, the first time"


def _shown(local: datetime) -> str:
    return f"{local:%Y-%m-%d %H:%M}"
