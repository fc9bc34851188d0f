"""Our cron against Debian's, around every change of the clocks in many zones."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.property.triggers import debian_cron

from nomaflow.triggers.base import InvalidSchedule
from nomaflow.triggers.cron import CronTrigger

YEARS = {
    "Africa/Cairo": (2010, 2014),
    "Africa/Casablanca": (2025, 2026),
    "Africa/El_Aaiun": (2025, 2026),
    "Africa/Johannesburg": (2025, 2026),
    "America/Asuncion": (2025, 2026),
    "America/Havana": (2025, 2026),
    "America/Los_Angeles": (2025, 2026),
    "America/Mexico_City": (2025, 2026),
    "America/New_York": (2025, 2026),
    "America/Nuuk": (2025, 2026),
    "America/Phoenix": (2025, 2026),
    "America/Santiago": (2025, 2026),
    "America/Sao_Paulo": (2017, 2019),
    "America/Scoresbysund": (2025, 2026),
    "America/St_Johns": (2010, 2011),
    "Antarctica/Macquarie": (2025, 2026),
    "Antarctica/Troll": (2025, 2026),
    "Asia/Amman": (2025, 2026),
    "Asia/Beirut": (2025, 2026),
    "Asia/Gaza": (2025, 2026),
    "Asia/Jerusalem": (2025, 2026),
    "Asia/Kathmandu": (2025, 2026),
    "Asia/Kolkata": (2025, 2026),
    "Asia/Pyongyang": (2015, 2018),
    "Asia/Tehran": (2020, 2022),
    "Asia/Tokyo": (2025, 2026),
    "Atlantic/Azores": (2025, 2026),
    "Australia/Adelaide": (2025, 2026),
    "Australia/Eucla": (2025, 2026),
    "Australia/Lord_Howe": (2025, 2026),
    "Australia/Sydney": (2025, 2026),
    "Europe/Chisinau": (2025, 2026),
    "Europe/Dublin": (2025, 2026),
    "Europe/Istanbul": (2025, 2026),
    "Europe/London": (2025, 2026),
    "Europe/Moscow": (2010, 2014),
    "Europe/Paris": (2025, 2026),
    "Pacific/Apia": (2009, 2012),
    "Pacific/Auckland": (2025, 2026),
    "Pacific/Chatham": (2025, 2026),
    "Pacific/Easter": (2025, 2026),
    "Pacific/Fiji": (2019, 2021),
    "Pacific/Kiritimati": (2025, 2026),
    "UTC": (2025, 2026),
}
EXPRESSIONS = [
    "30 2 * * *",
    "15 2 * * *",
    "45 1 * * *",
    "0 0 * * *",
    "30 0 * * *",
    "59 23 * * *",
    "0 3 * * *",
    "0,30 1-3 * * *",
    "5 4 * * SUN",
    "30 2 * * 0",
    "0 0 1 * *",
    "0 0 L * *",
    "30 1 LW * *",
    "0 2 * 3,10,11 0L",
    "10 1 * * 0#1",
    "* * * * *",
    "*/15 * * * *",
    "7-59/20 * * * *",
    "0 * * * *",
    "30 */2 * * *",
    "*/10 2 * * *",
    "* 0-3 * * *",
    "0-59 0-23 * * *",
    "15 0-23 * * *",
    "0 22-2 * * *",
    "20 1 * * FRI-MON",
    "0 */6 1,15 * 1",
    "0 1 */2 * 6",
]
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@cache
def transitions(zone: str) -> list[datetime]:
    first, last = YEARS[zone]
    found = debian_cron.transitions(ZoneInfo(zone), first, last)
    return found or [datetime(first, 3, 29, tzinfo=UTC)]


@lru_cache(maxsize=64)
def ticks_around(zone: str, at: datetime) -> list[debian_cron.Tick]:
    start, end = at - timedelta(hours=14), at + timedelta(hours=14)
    return debian_cron.ticks(ZoneInfo(zone), start, end, MINUTE)


def ours(text: str, zone: str, ticks: list[debian_cron.Tick]) -> Iterator[datetime]:
    trigger = CronTrigger.parse(text, zone)
    due = trigger.next_after(ticks[0][0])
    while due is not None and due <= ticks[-1][0]:
        yield due
        due = trigger.next_after(due)


def shown(instants: list[datetime], zone: str) -> list[str]:
    return [instant.astimezone(ZoneInfo(zone)).isoformat() for instant in instants]


@pytest.mark.parametrize("zone", YEARS)
def test_fires_like_debian_around_every_change_of_the_clocks(zone: str) -> None:
    for at in transitions(zone):
        ticks = ticks_around(zone, at)
        for text in EXPRESSIONS:
            expected = debian_cron.fires(debian_cron.entry(text), ticks, MINUTE)
            found = list(ours(text, zone, ticks))
            assert shown(found, zone) == shown(expected, zone), f"{text} in {zone}"


def field(low: int, high: int, *, near: tuple[int, ...] = ()) -> st.SearchStrategy[str]:
    number = st.integers(low, high) | st.sampled_from(near or (low,))
    span = st.tuples(number, number).map(lambda ends: f"{ends[0]}-{ends[1]}")
    step = st.integers(1, high // 2)
    stepped = st.tuples(span | st.just("*"), step).map(lambda parts: f"{parts[0]}/{parts[1]}")
    term = number.map(str) | span | stepped
    return st.lists(term, min_size=1, max_size=3).map(",".join)


days_of_month = st.one_of(st.just("*"), st.just("?"), field(1, 31), st.sampled_from(["L", "LW"]))
weekday_names = st.sampled_from(debian_cron.WEEKDAYS)
days_of_week = st.one_of(
    st.just("*"),
    field(0, 7),
    weekday_names,
    st.tuples(weekday_names, weekday_names).map("-".join),
    st.builds("{}L".format, st.integers(0, 7)),
    st.builds("{}#{}".format, st.integers(0, 7), st.integers(1, 5)),
)
expressions = st.tuples(
    field(0, 59, near=(0, 1, 30)) | st.just("*"),
    field(0, 23, near=(0, 1, 2, 3, 23)) | st.just("*"),
    days_of_month,
    st.just("*") | field(1, 12),
    days_of_week,
).map(" ".join)


@settings(max_examples=150)
@given(text=expressions, zone=st.sampled_from(sorted(YEARS)), pick=st.integers(0, 1000))
@example(text="0-59/5 2 31 * FRI", zone="Pacific/Apia", pick=3)
def test_fires_like_debian_whatever_the_expression(text: str, zone: str, pick: int) -> None:
    found_at = transitions(zone)
    ticks = ticks_around(zone, found_at[pick % len(found_at)])
    job = debian_cron.entry(text.replace("?", "*"))
    try:
        found = list(ours(text, zone, ticks))
    except InvalidSchedule:
        assert debian_cron.fires(job, ticks, MINUTE) == []
        return
    assert shown(found, zone) == shown(debian_cron.fires(job, ticks, MINUTE), zone)


@pytest.mark.parametrize(
    "text",
    ["30 2 * * * 15", "0 0 * * * */7", "* 2 * * * 30", "30 1-2 * * * *", "*/20 * * * * 0,59"],
)
@pytest.mark.parametrize("zone", ["Europe/Paris", "Australia/Lord_Howe", "America/Havana"])
def test_seconds_follow_the_same_rules(text: str, zone: str) -> None:
    for at in transitions(zone):
        start, end = at - timedelta(hours=2), at + timedelta(hours=2)
        ticks = debian_cron.ticks(ZoneInfo(zone), start, end, SECOND)
        expected = debian_cron.fires(debian_cron.entry(text), ticks, SECOND)
        assert shown(list(ours(text, zone, ticks)), zone) == shown(expected, zone)


@settings(max_examples=30)
@given(text=expressions)
@example(text="* * * * 2-1/2")
@example(text="* * * * 7-2/2")
def test_fires_like_debian_while_no_clock_changes(text: str) -> None:
    ticks = quiet_fortnight()
    job = debian_cron.entry(text.replace("?", "*"))
    try:
        found = list(ours(text, "UTC", ticks))
    except InvalidSchedule:
        found = []
    assert found == debian_cron.fires(job, ticks, MINUTE)


@cache
def quiet_fortnight() -> list[debian_cron.Tick]:
    start = datetime(2028, 2, 22, tzinfo=UTC)
    return debian_cron.ticks(ZoneInfo("UTC"), start, start + timedelta(days=14), MINUTE)
