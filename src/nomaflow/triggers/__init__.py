"""When jobs are due: cron and interval rules, in words and as a preview. Pure."""

from nomaflow.triggers.base import InvalidSchedule, Trigger
from nomaflow.triggers.declared import trigger_of

__all__ = ["InvalidSchedule", "Trigger", "trigger_of"]
