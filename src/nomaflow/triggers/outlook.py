"""A schedule seen from an instant: the due time before it, and the one that comes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nomaflow.triggers.base import Trigger

_MOMENT = timedelta(microseconds=1)
_FARTHEST = timedelta(days=5 * 366)


@dataclass(frozen=True)
class Outlook:
    """`held_back` says why the next due time will start nothing, as far as is known now."""

    trigger_id: str
    words: Mapping[str, str]
    previous_due: datetime | None
    next_due: datetime | None
    held_back: str | None


def previous_due(trigger: Trigger, at: datetime) -> datetime | None:
    """The last due time that is not after `at`; None: there was none for five years."""
    reach = timedelta(minutes=1)
    while not _is_due_between(trigger, at - reach, at):
        reach *= 4
        if reach > _FARTHEST:
            return None
    before, after = at - reach, at
    while after - before > _MOMENT:
        middle = before + (after - before) / 2
        if _is_due_between(trigger, middle, at):
            before = middle
        else:
            after = middle
    return trigger.next_after(before)


def _is_due_between(trigger: Trigger, since: datetime, until: datetime) -> bool:
    due = trigger.next_after(since)
    return due is not None and due <= until
