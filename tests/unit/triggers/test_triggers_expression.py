"""What a cron expression may say, and what is said about one that may not."""

from datetime import datetime, time

import pytest

from nomaflow.triggers.base import InvalidSchedule
from nomaflow.triggers.expression import ALIASES, read_cron

# Thursday
START = datetime.fromisoformat("2026-01-01T12:00:00")


def next_times(text: str, count: int = 3) -> list[str]:
    found = []
    local = START
    for _ in range(count):
        following = read_cron(text).next_local(local)
        assert following is not None
        found.append(following.isoformat(sep=" "))
        local = following
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 2 * * *", ["2026-01-02 02:30:00", "2026-01-03 02:30:00"]),
        ("*/20 12 * * *", ["2026-01-01 12:20:00", "2026-01-01 12:40:00"]),
        ("0 13 * * * 5,50", ["2026-01-01 13:00:05", "2026-01-01 13:00:50"]),
        ("0 8 * * mon", ["2026-01-05 08:00:00", "2026-01-12 08:00:00"]),
        ("0 8 * * 0", ["2026-01-04 08:00:00", "2026-01-11 08:00:00"]),
        ("0 8 * * 7", ["2026-01-04 08:00:00", "2026-01-11 08:00:00"]),
        ("0 8 * * 5-7", ["2026-01-02 08:00:00", "2026-01-03 08:00:00"]),
        ("0 8 * Feb-Mar,dec 1", ["2026-02-02 08:00:00", "2026-02-09 08:00:00"]),
        ("0 8 13 * FRI", ["2026-01-02 08:00:00", "2026-01-09 08:00:00"]),
        ("0 8 */13 * FRI", ["2026-02-27 08:00:00", "2026-03-27 08:00:00"]),
        ("0 8 ? * FRI", ["2026-01-02 08:00:00", "2026-01-09 08:00:00"]),
        ("0 8 13 * ?", ["2026-01-13 08:00:00", "2026-02-13 08:00:00"]),
        ("0 8 L * *", ["2026-01-31 08:00:00", "2026-02-28 08:00:00"]),
        ("0 8 LW * *", ["2026-01-30 08:00:00", "2026-02-27 08:00:00"]),
        ("0 8 * * 7L", ["2026-01-25 08:00:00", "2026-02-22 08:00:00"]),
        ("0 8 * * TUE#2", ["2026-01-13 08:00:00", "2026-02-10 08:00:00"]),
        ("0 8 * * SAT-SUN", ["2026-01-03 08:00:00", "2026-01-04 08:00:00"]),
        ("0 22-2/2 * * *", ["2026-01-01 22:00:00", "2026-01-02 00:00:00"]),
        ("0 8 30-2 * *", ["2026-01-02 08:00:00", "2026-01-30 08:00:00"]),
        ("0 8 1 NOV-FEB *", ["2026-02-01 08:00:00", "2026-11-01 08:00:00"]),
        ("5-5/2 * * * *", ["2026-01-01 12:05:00", "2026-01-01 13:05:00"]),
        ("0 0 29 2 *", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 * 2 MON#5", ["2044-02-29 00:00:00", "2072-02-29 00:00:00"]),
    ],
)
def test_an_expression_matches_the_local_times_that_it_says(text: str, expected: list[str]) -> None:
    assert next_times(text, 2) == expected


def test_ranges_that_wrap_hold_what_lies_beyond_the_end() -> None:
    days = next_times("0 8 * * FRI-MON", 5)
    assert [day[8:10] for day in days] == ["02", "03", "04", "05", "09"]


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_reads_like_its_expression(alias: str) -> None:
    assert next_times(f" {alias.upper()} ") == next_times(ALIASES[alias])


@pytest.mark.parametrize(
    ("text", "is_wildcard"),
    [
        ("* 2 * * *", True),
        ("0 */2 * * *", True),
        ("0-59 0-23 * * *", False),
        ("0 2 * * * *", False),
    ],
)
def test_a_star_in_minute_or_hour_makes_a_wildcard(text: str, is_wildcard: bool) -> None:
    assert read_cron(text).is_wildcard is is_wildcard


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("60 * * * *", "minute '60' cannot be read. Expected 0-59"),
        ("0 24 * * *", "hour '24' cannot be read. Expected 0-23"),
        ("0 0 0 * *", "day-of-month '0' cannot be read. Expected 1-31"),
        ("0 0 1 13 *", "month '13' cannot be read. Expected 1-12 or JAN-DEC"),
        ("0 0 * * 8", "day-of-week '8' cannot be read. Expected 0-7 or SUN-SAT"),
        ("0 0 * * * 60", "second '60' cannot be read. Expected 0-59"),
        ("0 0 * * MONDAY", "day-of-week 'MONDAY'"),
        ("0 0 * * MON#6", "day-of-week 'MON#6'"),
        ("0 0 L/2 * *", "day-of-month 'L/2'"),
        ("0 0 15W * *", "day-of-month '15W'"),
        ("*/0 * * * *", "minute '*/0'"),
        ("22-2/0 * * * *", "minute '22-2/0'"),
        ("1,,2 * * * *", "minute '1,,2'"),
        ("? * * * *", "minute '?'"),
        ("-1 * * * *", "minute '-1'"),
        ("0 0 1--100000000 * *", "day-of-month '1--100000000'"),
        ("0 0 31 2 *", "never fires"),
        ("0 0 30,31 2 *", "never fires"),
        ("0 0 31 4,6,9,11 *", "never fires"),
        ("0 0 */31 * MON#5", "never fires"),
        ("* * * *", "has 4 fields. Expected 5"),
        ("* * * * * * *", "has 7 fields. Expected 5"),
        ("", "has 0 fields. Expected 5"),
        ("@reboot", "is not an alias. Expected one of @hourly"),
        ("0 2 * * ＊", "expected plain ASCII text"),
        ("0 " * 5000, "at most 1000 characters"),
        ("9" * 10_000, "at most 1000 characters"),
        (f"0 0 1-{'9' * 900} * *", "day-of-month"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_field_and_what_was_expected(
    text: str, says: str
) -> None:
    with pytest.raises(InvalidSchedule) as refused:
        read_cron(text)
    assert says in str(refused.value)
    assert refused.value.field == "schedule"


def test_every_second_of_a_day_is_named_once() -> None:
    expression = read_cron("* * * * * *")
    midnight = datetime.combine(START.date(), time())
    local = expression.next_local(midnight)
    count = 0
    while local is not None and local.date() == midnight.date():
        count, local = count + 1, expression.next_local(local)
    assert count == 86_399
