"""The due time before an instant."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomaflow.triggers.base import Trigger
from nomaflow.triggers.cron import CronTrigger
from nomaflow.triggers.interval import IntervalTrigger
from nomaflow.triggers.outlook import previous_due
from nomaflow.triggers.window import Window

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["* * * * *", "*/7 3 * * *", "0 2 * * 1", "30 2 29 3 *"])
@given(minutes=st.integers(0, 400 * 1440))
def test_it_is_a_due_time_and_none_lies_between(text: str, minutes: int) -> None:
    trigger = CronTrigger.parse(text, "Europe/Paris")
    at = NOON + timedelta(minutes=minutes, seconds=17)
    found = previous_due(trigger, at)
    assert found is not None
    assert trigger.next_after(found - timedelta(microseconds=1)) == found <= at
    following = trigger.next_after(found)
    assert following is not None
    assert following > at


def test_the_instant_itself_counts() -> None:
    assert previous_due(IntervalTrigger.parse("1h"), NOON) == NOON


def test_a_schedule_that_ended_long_ago_is_found_without_counting_its_due_times() -> None:
    ended = Window(CronTrigger.parse("* * * * * *", "UTC"), end_at=NOON - timedelta(days=700))
    assert previous_due(ended, NOON) == NOON - timedelta(days=700)


def test_before_the_first_due_time_there_is_none() -> None:
    trigger: Trigger = Window(CronTrigger.parse("0 2 * * *", "UTC"), start_at=NOON)
    assert previous_due(trigger, NOON) is None
