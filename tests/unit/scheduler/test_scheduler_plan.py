"""Facts in, decisions out."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomaflow.domain.job import JobId, Misfire
from nomaflow.domain.pause import Pause
from nomaflow.domain.run import SCHEDULE
from nomaflow.domain.states import RunState
from nomaflow.scheduler.plan import AWAKE, MOST_COUNTED, Plan, ScheduleEntry, Silence, plan
from nomaflow.triggers.cron import CronTrigger

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PARIS = ZoneInfo("Europe/Paris")


def entry(text: str, grace: timedelta = MINUTE, misfire: Misfire = "skip") -> ScheduleEntry:
    trigger = CronTrigger.parse(text, "Europe/Paris")
    return ScheduleEntry(
        JobId("nightly"), SCHEDULE, trigger, zone=PARIS, misfire=misfire, misfire_grace=grace
    )


def told(decided: Plan) -> list[tuple[str, str]]:
    return [(f"{made.scheduled_at:%H:%M}", made.state.value) for made in decided.decisions]


def test_a_new_job_has_nothing_to_catch_up() -> None:
    decided = plan(entry("0 * * * *"), None, NOON)
    assert decided.decisions == ()
    assert decided.cursor == NOON
    assert decided.next_due == NOON + HOUR


def test_a_due_time_is_queued_once() -> None:
    first = plan(entry("0 * * * *"), NOON - HOUR, NOON)
    assert [(made.scheduled_at, made.state) for made in first.decisions] == [
        (NOON, RunState.QUEUED)
    ]
    assert first.next_due == NOON + HOUR
    assert plan(entry("0 * * * *"), first.cursor, NOON).decisions == ()


def test_a_due_time_within_the_grace_still_counts_as_on_time() -> None:
    on_time = plan(entry("0 * * * *"), NOON - HOUR, NOON + MINUTE)
    too_late = plan(entry("0 * * * *"), NOON - HOUR, NOON + MINUTE + timedelta(microseconds=1))
    assert [made.state for made in on_time.decisions] == [RunState.QUEUED]
    assert [made.state for made in too_late.decisions] == [RunState.MISSED]


def test_the_reason_tells_in_local_time_how_long_the_service_was_down() -> None:
    missed = plan(entry("0 * * * *"), NOON - HOUR, NOON + 25 * MINUTE, Silence(NOON - 10 * MINUTE))
    assert [made.reason for made in missed.decisions] == ["service down 13:50–14:25"]


def test_without_a_known_last_look_the_reason_starts_at_the_first_missed_due_time() -> None:
    missed = plan(entry("0 0 * * *"), NOON - 30 * HOUR, NOON + 18 * HOUR)
    (reason,) = {made.reason for made in missed.decisions}
    assert reason == "service down 2026-06-01 00:00–2026-06-02 08:00"


def test_a_hundred_missed_due_times_are_a_row_each() -> None:
    missed = plan(entry("* * * * *"), NOON - 101 * MINUTE, NOON)
    assert [made.state for made in missed.decisions] == [RunState.MISSED] * 99 + [
        RunState.QUEUED
    ] * 2


def test_more_than_a_hundred_missed_due_times_are_one_row_with_first_last_and_count() -> None:
    decided = plan(entry("* * * * *"), NOON - 5 * HOUR, NOON)
    missed, *queued = decided.decisions
    assert missed.state == RunState.MISSED
    assert missed.scheduled_at == NOON - 2 * MINUTE
    assert missed.reason == (
        "service down 09:01–14:00, 298 due times, "
        "first 2026-06-01T09:01:00+02:00, last 2026-06-01T13:58:00+02:00"
    )
    assert [made.scheduled_at for made in queued] == [NOON - MINUTE, NOON]


def test_counting_ends_but_the_last_missed_due_time_is_exact() -> None:
    decided = plan(entry("* * * * * */2"), NOON - timedelta(days=30), NOON)
    missed = decided.decisions[0]
    assert missed.scheduled_at == NOON - timedelta(seconds=62)
    assert f"{MOST_COUNTED} or more due times" in str(missed.reason)
    assert len(decided.decisions) == 1 + 31


def test_a_cursor_in_the_future_does_not_silence_the_job() -> None:
    decided = plan(entry("0 * * * *"), NOON + timedelta(days=365), NOON)
    assert decided.decisions == ()
    assert decided.next_due == NOON + HOUR


def test_every_due_time_is_decided_exactly_once_however_often_one_looks() -> None:
    job = entry("*/7 * * * *")
    now, end, cursor = NOON, NOON + 6 * HOUR, NOON
    decided = []
    while now < end:
        now += timedelta(seconds=97)
        step = plan(job, cursor, now)
        decided += [made.scheduled_at for made in step.decisions]
        cursor = step.cursor
    at_once = plan(entry("*/7 * * * *", grace=7 * HOUR), NOON, now)
    assert decided == [made.scheduled_at for made in at_once.decisions]


def test_a_clock_that_was_set_forward_is_named_as_the_cause() -> None:
    silence = Silence(NOON - 10 * MINUTE, "clock set forward")
    missed = plan(entry("0 * * * *"), NOON - HOUR, NOON + 25 * MINUTE, silence)
    assert [made.reason for made in missed.decisions] == ["clock set forward 13:50–14:25"]


def test_a_service_that_lived_after_the_due_time_was_not_down() -> None:
    missed = plan(entry("0 * * * *"), NOON - HOUR, NOON + 25 * MINUTE, Silence(NOON + 20 * MINUTE))
    assert [made.reason for made in missed.decisions] == ["job broken or store away 14:00–14:25"]


def test_misfire_last_starts_the_last_missed_due_time_alone() -> None:
    decided = plan(entry("*/10 * * * *", misfire="last"), NOON - HOUR, NOON - 5 * MINUTE)
    assert told(decided) == [
        ("11:10", "MISSED"), ("11:20", "MISSED"), ("11:30", "MISSED"), ("11:40", "MISSED"),
        ("11:50", "QUEUED"),
    ]  # fmt: skip


def test_misfire_last_starts_none_of_the_missed_when_another_is_on_time() -> None:
    decided = plan(entry("*/20 * * * *", misfire="last"), NOON - HOUR, NOON)
    assert told(decided) == [("11:20", "MISSED"), ("11:40", "MISSED"), ("12:00", "QUEUED")]


def test_misfire_all_starts_every_missed_due_time_in_its_turn() -> None:
    decided = plan(entry("*/20 * * * *", misfire="all"), NOON - HOUR, NOON)
    assert told(decided) == [("11:20", "QUEUED"), ("11:40", "QUEUED"), ("12:00", "QUEUED")]
    assert all(made.waits_turn for made in decided.decisions)


def test_misfire_last_after_a_long_gap_is_one_row_and_one_run() -> None:
    decided = plan(
        entry("* * * * *", misfire="last", grace=MINUTE / 2), NOON - 5 * HOUR, NOON - 1.3 * MINUTE
    )
    assert told(decided) == [("11:57", "MISSED"), ("11:58", "QUEUED")]
    assert "297 due times, first 2026-06-01T09:01:00+02:00" in str(decided.decisions[0].reason)


def test_misfire_all_starts_at_most_the_last_hundred() -> None:
    decided = plan(entry("* * * * *", misfire="all"), NOON - 5 * HOUR, NOON)
    summary, *started = decided.decisions
    assert (summary.state, f"{summary.scheduled_at:%H:%M}") == (RunState.MISSED, "10:18")
    assert str(summary.reason).endswith(
        "198 due times, first 2026-06-01T09:01:00+02:00, last 2026-06-01T12:18:00+02:00"
    )
    assert {made.state for made in started} == {RunState.QUEUED}
    assert [made.scheduled_at for made in started] == [
        NOON - number * MINUTE for number in range(101, -1, -1)
    ]


@pytest.mark.parametrize("misfire", ["skip", "last", "all"])
@given(minutes=st.integers(0, 600), every=st.sampled_from([1, 3, 7, 30]))
def test_whatever_the_policy_no_due_time_of_a_gap_is_lost_or_doubled(
    misfire: Misfire, minutes: int, every: int
) -> None:
    job = entry(f"*/{every} * * * *", misfire=misfire)
    decided = plan(job, NOON - minutes * MINUTE, NOON)
    rows = [made.scheduled_at for made in decided.decisions]
    counted = [re.search(r"(\d+) due times", made.reason or "") for made in decided.decisions]
    due = len(plan(entry(f"*/{every} * * * *", grace=DAY), NOON - minutes * MINUTE, NOON).decisions)
    assert sum(int(found[1]) if found else 1 for found in counted) == due
    assert rows == sorted(set(rows))


def a_pause(since: datetime, until: datetime | None = None, *exceptions: str) -> Pause:
    names = tuple(JobId(name) for name in exceptions)
    return Pause(1, since, until, None, "new disks", names, "cli:anna", None)


def test_a_due_time_in_a_pause_is_skipped_with_its_reason() -> None:
    pauses = [a_pause(NOON - 30 * MINUTE)]
    decided = plan(entry("0 * * * *"), NOON - HOUR, NOON, AWAKE, pauses)
    assert [(made.state, made.reason) for made in decided.decisions] == [
        (RunState.SKIPPED, "paused: new disks")
    ]


def test_a_job_among_the_exceptions_of_a_pause_goes_on() -> None:
    pauses = [a_pause(NOON - HOUR, None, "nightly")]
    assert told(plan(entry("0 * * * *"), NOON - HOUR, NOON, AWAKE, pauses)) == [("12:00", "QUEUED")]


def test_paused_time_is_never_caught_up_although_the_service_was_down_too() -> None:
    pauses = [a_pause(NOON - 50 * MINUTE, NOON - 25 * MINUTE)]
    job = entry("*/10 * * * *", misfire="all")
    assert told(plan(job, NOON - HOUR, NOON - MINUTE, AWAKE, pauses)) == [
        ("11:10", "SKIPPED"), ("11:20", "SKIPPED"), ("11:30", "SKIPPED"),
        ("11:40", "QUEUED"), ("11:50", "QUEUED"),
    ]  # fmt: skip


def test_misfire_last_passes_over_what_was_paused() -> None:
    pauses = [a_pause(NOON - 15 * MINUTE)]
    job = entry("*/10 * * * *", misfire="last")
    assert told(plan(job, NOON - 40 * MINUTE, NOON - MINUTE, AWAKE, pauses)) == [
        ("11:30", "MISSED"), ("11:40", "QUEUED"), ("11:50", "SKIPPED"),
    ]  # fmt: skip


def test_a_long_gap_that_was_paused_throughout_is_one_skipped_row() -> None:
    decided = plan(entry("* * * * *"), NOON - 5 * HOUR, NOON, AWAKE, [a_pause(NOON - DAY)])
    first, *others = decided.decisions
    assert (first.state, len(others)) == (RunState.SKIPPED, 2)
    assert str(first.reason).startswith("paused: new disks, 298 due times, first 2026")
