"""Schedules that are valid for a while."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from nomaflow.triggers.base import InvalidSchedule
from nomaflow.triggers.cron import CronTrigger
from nomaflow.triggers.window import within

PARIS = ZoneInfo("Europe/Paris")
DAILY = CronTrigger.parse("0 2 * * *", "Europe/Paris")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_the_first_due_time_is_not_before_the_start_and_may_be_the_start_itself() -> None:
    window = within(DAILY, datetime.fromisoformat("2026-03-01T02:00"), None, PARIS)
    assert window.next_after(LONG_AGO) == datetime(2026, 3, 1, 2, tzinfo=PARIS)


def test_after_the_end_there_is_no_due_time_and_the_end_itself_still_counts() -> None:
    window = within(DAILY, None, datetime(2026, 3, 1, 1, tzinfo=UTC), PARIS)
    last = window.next_after(datetime(2026, 2, 28, 12, tzinfo=UTC))
    assert last == datetime(2026, 3, 1, 2, tzinfo=PARIS)
    assert window.next_after(last) is None


def test_without_bounds_the_trigger_stays_as_it_is() -> None:
    assert within(DAILY, None, None, PARIS) is DAILY


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(InvalidSchedule, match="before start_at"):
        within(DAILY, LONG_AGO, LONG_AGO - timedelta(seconds=1), PARIS)
