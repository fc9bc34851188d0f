"""Cron on the days when the clocks change, as a table that a person can check."""

from datetime import UTC, datetime, timedelta

import pytest

from nomaflow.triggers.base import InvalidSchedule
from nomaflow.triggers.cron import CronTrigger


def fires(text: str, timezone: str, start: str, count: int) -> list[str]:
    trigger = CronTrigger.parse(text, timezone)
    instant: datetime | None = datetime.fromisoformat(start).astimezone(UTC)
    found = []
    for _ in range(count):
        assert instant is not None
        instant = trigger.next_after(instant)
        found.append(instant.astimezone(trigger.zone).isoformat() if instant else "never")
    return found


@pytest.mark.parametrize(
    ("text", "timezone", "start", "expected"),
    [
        (
            "30 2 * * *",
            "Europe/Paris",
            "2026-03-28T12:00+01:00",
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
        ),
        (
            "30 2 * * *",
            "Europe/Paris",
            "2026-10-24T12:00+02:00",
            ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
        ),
        (
            "*/30 * * * *",
            "Europe/Paris",
            "2026-10-25T02:00+02:00",
            ["2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00"],
        ),
        (
            "*/30 * * * *",
            "Europe/Paris",
            "2026-03-29T01:00+01:00",
            ["2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00"],
        ),
        (
            "0,30 2,3 * * *",
            "Europe/Paris",
            "2026-03-29T00:00+01:00",
            ["2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:00:00+02:00"],
        ),
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00+10:30",
            ["2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"],
        ),
        (
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T12:00+11:00",
            ["2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"],
        ),
        (
            "0 0 * * *",
            "America/Santiago",
            "2026-09-05T12:00-04:00",
            ["2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"],
        ),
        (
            "30 2 * * *",
            "Pacific/Apia",
            "2011-12-29T12:00-10:00",
            ["2011-12-31T00:00:00+14:00", "2011-12-31T02:30:00+14:00"],
        ),
        (
            "30 * * * *",
            "Pacific/Apia",
            "2011-12-29T23:00-10:00",
            ["2011-12-29T23:30:00-10:00", "2011-12-31T00:30:00+14:00"],
        ),
        (
            "30 2 * * * 15",
            "Europe/Paris",
            "2026-03-28T12:00+01:00",
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:15+02:00"],
        ),
    ],
)
def test_a_change_of_the_clocks_neither_loses_nor_doubles_a_fire(
    text: str, timezone: str, start: str, expected: list[str]
) -> None:
    assert fires(text, timezone, start, len(expected)) == expected


def test_a_due_time_lies_strictly_after_the_instant_asked_for() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    trigger = CronTrigger.parse("0 12 * * *", "UTC")
    assert trigger.next_after(noon - timedelta(microseconds=1)) == noon
    assert trigger.next_after(noon) == noon + timedelta(days=1)


def test_a_schedule_that_only_meets_the_hour_that_is_skipped_never_fires() -> None:
    assert fires("*/5 2 * 3 0L", "Europe/Paris", "2026-01-01T00:00Z", 1) == ["never"]


@pytest.mark.parametrize("text", ["0 2 * * *", "* * * * *"])
def test_at_the_end_of_the_calendar_nothing_follows(text: str) -> None:
    trigger = CronTrigger.parse(text, "Europe/Paris")
    assert trigger.next_after(datetime(9999, 12, 30, 12, tzinfo=UTC)) is not None
    assert trigger.next_after(datetime(9999, 12, 31, 23, 59, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    "timezone", ["Mars/Olympus", "", "../etc/passwd", "/etc/localtime", "Europe"]
)
def test_an_unknown_time_zone_is_refused_by_its_name(timezone: str) -> None:
    with pytest.raises(InvalidSchedule, match="Expected an IANA name") as refused:
        CronTrigger.parse("0 2 * * *", timezone)
    assert refused.value.field == "timezone"


def test_triggers_of_the_same_text_and_zone_are_equal() -> None:
    assert CronTrigger.parse("0 2 * * *", "UTC") == CronTrigger.parse("0 2 * * *", "UTC")
    assert CronTrigger.parse("0 2 * * *", "UTC") != CronTrigger.parse("0 2 * * *", "Europe/Paris")
