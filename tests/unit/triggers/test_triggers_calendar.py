"""Days and windows in which a schedule starts nothing."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomaflow.config import CalendarSettings
from nomaflow.triggers.base import InvalidSchedule
from nomaflow.triggers.calendar import Calendar, Exclusions, Moved
from nomaflow.triggers.cron import CronTrigger

PARIS = ZoneInfo("Europe/Paris")
BLACKOUT = {"from": "2026-12-30T18:00", "until": "2027-01-01T06:00", "reason": "year end"}


def exclusions(*, are_moved: bool = False, **rule: Any) -> Exclusions:
    calendar = Calendar("france", CalendarSettings.model_validate(rule))
    return Exclusions(calendar, PARIS, are_moved)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+01:00").astimezone(UTC)


def due_times(trigger: Moved, since: str, count: int) -> list[str]:
    instant, found = at(since), []
    for _ in range(count):
        due = trigger.next_after(instant)
        assert due is not None
        found.append(f"{due.astimezone(PARIS):%m-%d %H:%M}")
        instant = due
    return found


def test_a_public_holiday_is_excluded_with_its_name_in_the_zone_of_the_job() -> None:
    france = exclusions(country="FR")
    assert france.reason(at("2026-12-25T00:00")) == "calendar france: Christmas Day"
    assert france.reason(at("2026-12-25T23:59")) == "calendar france: Christmas Day"
    assert france.reason(at("2026-12-24T23:59")) is None
    assert france.reason(at("2026-12-26T00:00")) is None


def test_days_of_ones_own_have_a_name_or_show_their_date() -> None:
    named = exclusions(dates={"2026-12-24": "Inventory"})
    plain = exclusions(dates=["2026-12-24"])
    assert named.reason(at("2026-12-24T08:00")) == "calendar france: Inventory"
    assert plain.reason(at("2026-12-24T08:00")) == "calendar france: 2026-12-24"


def test_a_window_excludes_from_its_first_instant_until_its_end() -> None:
    closed = exclusions(blackouts=[BLACKOUT])
    assert closed.reason(at("2026-12-30T17:59")) is None
    assert closed.reason(at("2026-12-30T18:00")) == "calendar france: year end"
    assert closed.reason(at("2027-01-01T05:59")) == "calendar france: year end"
    assert closed.reason(at("2027-01-01T06:00")) is None


def test_an_excluded_due_time_moves_to_the_same_time_of_the_next_workday() -> None:
    france = exclusions(country="FR", are_moved=True)
    monthly = Moved(CronTrigger.parse("0 2 1,25 * *", "Europe/Paris"), france)
    assert france.reason(at("2026-12-25T02:00")) == (
        "calendar france: Christmas Day, moved to 2026-12-28 02:00"
    )
    assert due_times(monthly, "2026-12-24T12:00", 4) == [
        "12-25 02:00", "12-28 02:00", "01-01 02:00", "01-04 02:00",
    ]  # fmt: skip


def test_a_moved_due_time_that_meets_a_regular_one_is_one_due_time() -> None:
    daily = Moved(
        CronTrigger.parse("0 2 * * *", "Europe/Paris"), exclusions(country="FR", are_moved=True)
    )
    assert due_times(daily, "2026-12-24T12:00", 5) == [
        "12-25 02:00", "12-26 02:00", "12-27 02:00", "12-28 02:00", "12-29 02:00",
    ]  # fmt: skip


def test_a_due_time_in_a_window_moves_to_a_workday_on_which_that_hour_is_free() -> None:
    trigger = Moved(
        CronTrigger.parse("0 20 30 12 *", "Europe/Paris"),
        exclusions(country="FR", blackouts=[BLACKOUT], are_moved=True),
    )
    assert due_times(trigger, "2026-12-29T12:00", 2) == ["12-30 20:00", "01-04 20:00"]


@given(st.integers(0, 730 * 24), st.sampled_from([7, 11, 25]))
def test_due_times_with_moved_ones_never_go_back_and_none_is_passed_over(
    hours: int, day: int
) -> None:
    france = exclusions(country="FR", are_moved=True)
    trigger = Moved(CronTrigger.parse(f"30 3 {day} * *", "Europe/Paris"), france)
    instant = at("2026-01-01T00:00") + timedelta(hours=hours)
    first = trigger.next_after(instant)
    assert first is not None
    assert first > instant
    between = instant + (first - instant) / 2
    assert trigger.next_after(between) == first
    if france.reason(first):
        moved = france.moved(first)
        assert moved is not None
        assert trigger.next_after(moved - timedelta(microseconds=1)) == moved


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"country": "XX"}, "country"),
        ({"country": "DE", "subdivision": "ZZ"}, "subdivision"),
        ({"subdivision": "BY"}, "subdivision"),
    ],
)
def test_an_unknown_country_is_refused_at_its_field(rule: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidSchedule) as refused:
        Calendar("odd", CalendarSettings(**rule)).check()
    assert refused.value.field == field


def test_weekends_are_those_of_the_country() -> None:
    friday = date(2026, 6, 5)
    assert not Calendar("il", CalendarSettings(country="IL")).is_workday(friday)
    assert Calendar("fr", CalendarSettings(country="FR")).is_workday(friday)
