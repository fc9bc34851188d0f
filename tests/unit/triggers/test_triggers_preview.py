"""A schedule told to people: words, due times, remarks."""

from datetime import UTC, datetime

import pytest

from nomaflow.triggers.cron import CronTrigger
from nomaflow.triggers.interval import IntervalTrigger
from nomaflow.triggers.preview import Preview, preview


@pytest.mark.parametrize(
    ("text", "english", "french"),
    [
        ("0 2 * * *", "every day at 02:00", "tous les jours à 02:00"),
        ("0 2 * * 1-5", "every weekday at 02:00", "tous les jours ouvrés à 02:00"),
        ("* * * * *", "every minute", "toutes les minutes"),
        ("*/15 * * * *", "every 15 minutes", "toutes les 15 minutes"),
        ("0 * * * *", "every hour", "toutes les heures"),
        ("15 */4 * * *", "every 4 hours at minute 15", "toutes les 4 heures à la minute 15"),
        (
            "*/15 9-17 * * MON-FRI",
            "every 15 minutes from 09:00 to 17:45, every weekday",
            "toutes les 15 minutes de 09:00 à 17:45, tous les jours ouvrés",
        ),
        (
            "0 8,12 * * 0,6",
            "every Saturday and Sunday at 08:00 and 12:00",
            "tous les samedis et dimanches à 08:00 et 12:00",
        ),
        ("0 0 1 1 *", "on the 1st of January at 00:00", "le 1er janvier à 00:00"),
        (
            "0 0 L 4,8 *",
            "on the last day of April and August at 00:00",
            "le dernier jour d'avril et août à 00:00",
        ),
        (
            "0 0 2,LW * *",
            "on the 2nd and last weekday of the month at 00:00",
            "le 2 et le dernier jour ouvré du mois à 00:00",
        ),
        (
            "0 0 * * MON#1,5L",
            "on the last Friday of the month or on the first Monday of the month at 00:00",
            "le dernier vendredi du mois ou le premier lundi du mois à 00:00",
        ),
        (
            "0 0 13 * FRI",
            "on the 13th of the month or every Friday at 00:00",
            "le 13 du mois ou tous les vendredis à 00:00",
        ),
        (
            "0 0 * 6,7 *",
            "every day in June and July at 00:00",
            "tous les jours en juin et juillet à 00:00",
        ),
        (
            "5,10 3,9,20 * * *",
            "at minutes 5 and 10 in the hours 03, 09 and 20",
            "aux minutes 5 et 10 pendant 3 h, 9 h et 20 h",
        ),
        ("* * * * * */10", "every 10 seconds", "toutes les 10 secondes"),
        (
            "*/5 * * * * 30",
            "every 5 minutes, at second 30 of that minute",
            "toutes les 5 minutes, à la seconde 30 de cette minute",
        ),
    ],
)
def test_cron_is_told_in_english_and_french(text: str, english: str, french: str) -> None:
    assert CronTrigger.parse(text, "UTC").words() == {"en": english, "fr": french}


@pytest.mark.parametrize(
    ("text", "english", "french"),
    [
        ("90s", "every 90 seconds", "toutes les 90 secondes"),
        ("60s", "every minute", "toutes les minutes"),
        ("1h30m", "every 90 minutes", "toutes les 90 minutes"),
        ("2d", "every 2 days", "tous les 2 jours"),
    ],
)
def test_an_interval_is_told_in_its_largest_unit(text: str, english: str, french: str) -> None:
    assert IntervalTrigger.parse(text).words() == {"en": english, "fr": french}


def paris(text: str, start: str, count: int = 2) -> Preview:
    return preview(text, "Europe/Paris", datetime.fromisoformat(start), count)


def test_a_preview_shows_local_times_with_their_offset() -> None:
    shown = paris("30 2 * * *", "2026-06-01T00:00Z")
    assert [fire.isoformat() for fire in shown.fires] == [
        "2026-06-01T02:30:00+02:00",
        "2026-06-02T02:30:00+02:00",
    ]
    assert shown.remarks == []
    assert shown.words["en"] == "every day at 02:30"


@pytest.mark.parametrize(
    ("text", "start", "says"),
    [
        (
            "30 2 * * *",
            "2026-03-28T12:00Z",
            "2026-03-29 02:30 does not exist: it fires right after",
        ),
        ("30 2 * * *", "2026-10-24T12:00Z", "2026-10-25 02:30 exists twice: it fires once"),
        ("*/15 * * * *", "2026-03-29T00:50Z", "2026-03-29 02:00 does not exist and is passed over"),
        ("*/15 * * * *", "2026-10-25T00:50Z", "2026-10-25 02:00 exists twice and fires both times"),
    ],
)
def test_a_preview_remarks_on_a_change_of_the_clocks(text: str, start: str, says: str) -> None:
    (remark,) = paris(text, start).remarks
    assert remark.startswith(says)
    assert "Europe/Paris" in remark


def test_a_change_of_the_clocks_that_touches_nothing_is_not_remarked_on() -> None:
    assert paris("30 12 * * *", "2026-03-01T00:00Z", count=60).remarks == []


def test_a_preview_takes_an_interval_too() -> None:
    shown = paris("90m", "2026-03-29T00:00Z")
    assert [fire.isoformat() for fire in shown.fires] == [
        "2026-03-29T03:30:00+02:00",
        "2026-03-29T05:00:00+02:00",
    ]


def test_a_schedule_without_further_due_times_says_so() -> None:
    shown = preview("0 2 * * *", "UTC", datetime(9999, 12, 30, 12, tzinfo=UTC), 3)
    assert len(shown.fires) == 1
    assert shown.remarks == ["There is no further due time."]
