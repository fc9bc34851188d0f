"""Intervals count from their anchor."""

from datetime import UTC, datetime, timedelta

import pytest

from nomaflow.domain.run import INTERVAL, SCHEDULE
from nomaflow.triggers import InvalidSchedule, trigger_of
from nomaflow.triggers.interval import EPOCH, IntervalTrigger

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "every"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("4h", timedelta(hours=4)),
        ("1d", timedelta(days=1)),
        ("1h30m", timedelta(minutes=90)),
        ("1d12h30m5s", timedelta(days=1, hours=12, minutes=30, seconds=5)),
    ],
)
def test_an_interval_is_read_from_its_units(text: str, every: timedelta) -> None:
    assert IntervalTrigger.parse(text).every == every


@pytest.mark.parametrize(
    "text", ["", "0s", "15", "m", "1.5h", "-1h", "1h 30m", "30m1h", "15M", "1w", "9" * 10_000, "٣s"]
)
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(
        InvalidSchedule, match="Expected a whole number with s, m, h or d"
    ) as refused:
        IntervalTrigger.parse(text)
    assert refused.value.field == "interval"


@pytest.mark.parametrize("anchor", ["", "yesterday", "2026-01-01", "2026-01-01T06:00:00"])
def test_an_anchor_is_an_instant_with_an_offset(anchor: str) -> None:
    with pytest.raises(InvalidSchedule, match="Expected ISO 8601 with an offset") as refused:
        IntervalTrigger.parse("1h", anchor)
    assert refused.value.field == "interval_anchor"


def test_due_times_stand_on_the_anchor_before_and_after_it() -> None:
    trigger = IntervalTrigger.parse("4h", "2026-03-29T13:30:00+02:00")
    assert trigger.next_after(NOON) == NOON + timedelta(hours=3, minutes=30)
    assert trigger.next_after(NOON - timedelta(days=10)) == NOON - timedelta(
        days=9, hours=20, minutes=30
    )


def test_a_due_time_lies_strictly_after_the_instant_asked_for() -> None:
    trigger = IntervalTrigger.parse("1h")
    assert trigger.next_after(NOON) == NOON + timedelta(hours=1)
    assert trigger.next_after(NOON - timedelta(microseconds=1)) == NOON


def test_at_the_end_of_the_calendar_nothing_follows() -> None:
    assert IntervalTrigger.parse("1d").next_after(datetime(9999, 12, 31, 1, tzinfo=UTC)) is None


def test_a_job_has_a_schedule_or_an_interval_or_is_run_by_hand() -> None:
    by_schedule = trigger_of("0 2 * * *", None, EPOCH, "Europe/Paris")
    by_interval = trigger_of(None, "15m", EPOCH, "Europe/Paris")
    assert by_schedule is not None
    assert by_schedule[0] == SCHEDULE
    assert by_interval == (INTERVAL, IntervalTrigger.parse("15m"))
    assert trigger_of(None, None, EPOCH, "Europe/Paris") is None
    with pytest.raises(InvalidSchedule, match="either a schedule or an interval"):
        trigger_of("0 2 * * *", "15m", EPOCH, "Europe/Paris")
