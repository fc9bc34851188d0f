"""From the fields of a job to its trigger."""

from nomaflow.domain.run import INTERVAL, SCHEDULE, TriggerId
from nomaflow.triggers.base import InvalidSchedule, Trigger
from nomaflow.triggers.cron import CronTrigger
from nomaflow.triggers.interval import IntervalTrigger


def trigger_of(
    schedule: str | None, interval: str | None, interval_anchor: str, timezone: str
) -> tuple[TriggerId, Trigger] | None:
    """The trigger that a job's fields declare; None: by hand only. `timezone` is an IANA name.

    Raises InvalidSchedule.
    """
    if schedule is not None and interval is not None:
        raise InvalidSchedule(
            "A job has either a schedule or an interval. Remove one of them.", field="interval"
        )
    if schedule is not None:
        return SCHEDULE, CronTrigger.parse(schedule, timezone)
    if interval is not None:
        return INTERVAL, IntervalTrigger.parse(interval, interval_anchor)
    return None
