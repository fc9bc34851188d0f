"""Runs, steps and attempts: written by who holds the run, read by everyone."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.fakes import FakeClock
from tests.integration.history.history_builders import DAY, MIDNIGHT, Desk, a_plan, by_hand, due

from nomaflow.clock import SystemClock
from nomaflow.domain.job import JobId
from nomaflow.domain.run import SCHEDULE, AttemptRun, Fence, ProcessId, RunId, StepError, StepRun
from nomaflow.domain.states import RunState, StepState
from nomaflow.errors import NotFound
from nomaflow.history.changes import AttemptBegun, AttemptEnded, ParamsKept, StepEnded, StepsPlanned
from nomaflow.history.database import Database
from nomaflow.history.runs import RunFilter, RunHistory
from nomaflow.history.tables import metadata
from nomaflow.history.types import Instant


async def test_a_due_time_has_one_row_however_often_it_is_inserted(desk: Desk) -> None:
    first, by_hand_id = await desk.history.insert([due(), by_hand()])
    again, next_day, by_hand_too = await desk.history.insert(
        [due(), due(at=MIDNIGHT + DAY), by_hand()]
    )
    assert first is not None
    assert again is None
    assert len({first, by_hand_id, next_day, by_hand_too}) == 4


async def test_a_due_time_twice_in_one_call_has_one_row(desk: Desk) -> None:
    first, twin = await desk.history.insert([due(reason="first"), due(reason="twin")])
    assert first is not None
    assert twin is None
    assert (await desk.history.get(first)).reason == "first"


async def test_the_same_instant_in_another_zone_is_the_same_due_time(desk: Desk) -> None:
    paris = datetime.fromisoformat("2026-03-01T01:00:00+01:00")
    first, twin = await desk.history.insert([due(at=MIDNIGHT), due(at=paris)])
    assert [first is None, twin is None] == [False, True]


async def test_everything_that_is_known_of_a_run_comes_back(desk: Desk) -> None:
    new = due(options="sealed", revision_id=7, triggered_by="preset \0 \ud800 é 🎉")
    [run_id] = await desk.history.insert([new])
    assert run_id is not None
    run = await desk.history.get(run_id)
    assert (run.job_id, run.trigger_id, run.scheduled_at) == ("nightly", SCHEDULE, MIDNIGHT)
    assert (run.state, run.attempt, run.created_at) == (RunState.QUEUED, 0, desk.clock.now())
    assert (run.options, run.revision_id, run.params) == ("sealed", 7, {})
    assert run.triggered_by == "preset ? ? é 🎉"
    assert run.scheduled_at is not None
    assert run.scheduled_at.tzinfo is UTC


async def test_a_run_that_is_born_final_has_finished(desk: Desk) -> None:
    new = due(state=RunState.MISSED, reason="service down 02:10–02:25")
    [run_id] = await desk.history.insert([new])
    assert run_id is not None
    run = await desk.history.get(run_id)
    assert (run.state, run.reason) == (RunState.MISSED, "service down 02:10–02:25")
    assert run.finished_at == desk.clock.now()


async def test_an_unknown_run_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound, match="There is no run 4711"):
        await desk.history.get(RunId(4711))


async def test_an_instant_without_a_zone_is_refused(desk: Desk) -> None:
    naive = datetime(2026, 3, 1)  # noqa: DTZ001  # the mistake that this test is about
    with pytest.raises(Exception, match="needs a time zone"):
        await desk.history.insert([due(at=naive)])


async def test_an_attempt_begins_its_step_and_ends_it(desk: Desk) -> None:
    run, step, attempt = await desk.begun()
    assert await desk.history.steps(run.id) == [step, a_plan(run.id, ["copy", "check"])[1]]
    desk.clock.step(3)
    ended = replace(
        attempt,
        state=StepState.SUCCEEDED,
        finished_at=desk.clock.now(),
        output={"rows": 3, "note": "a\0b", "odd": float("nan"), "at": MIDNIGHT},
    )
    whole = replace(
        step, state=ended.state, finished_at=ended.finished_at, output={"rows_affected": 3}
    )
    assert await desk.history.write(run.fence, AttemptEnded(ended, whole))
    assert (await desk.history.steps(run.id))[0] == whole
    [kept] = await desk.history.attempts(run.id)
    assert kept.output == {
        "rows": 3,
        "note": "a\0b",
        "odd": None,
        "at": "2026-03-01 00:00:00+00:00",
    }


async def test_a_failed_attempt_keeps_its_error_beside_the_next_one(desk: Desk) -> None:
    run, step, first = await desk.begun()
    error = StepError("TimeoutError", "no \0 answer", "Traceback …")
    failed = replace(first, state=StepState.FAILED, finished_at=desk.clock.now(), error=error)
    assert await desk.history.write(run.fence, AttemptEnded(failed, replace(step, error=error)))
    desk.clock.step(60)
    second = AttemptRun(run.id, 0, 2, StepState.RUNNING, desk.clock.now())
    assert await desk.history.write(run.fence, AttemptBegun(second))
    assert await desk.history.attempts(run.id) == [failed, second]
    [running, _] = await desk.history.steps(run.id)
    assert (running.state, running.attempts) == (StepState.RUNNING, 2)
    assert running.started_at == first.started_at


async def test_planning_again_keeps_what_was_done(desk: Desk) -> None:
    run, steps = await desk.planned("copy", "check")
    done = replace(steps[0], state=StepState.CANCELED, reason="skipped: disabled")
    assert await desk.history.write(run.fence, StepEnded(done))
    assert await desk.history.write(
        run.fence, StepsPlanned(a_plan(run.id, ["copy", "check", "mail"]))
    )
    assert [step.state for step in await desk.history.steps(run.id)] == [
        StepState.CANCELED,
        StepState.PENDING,
        StepState.PENDING,
    ]


async def test_parameters_are_kept_on_the_run(desk: Desk) -> None:
    run = await desk.claimed()
    assert await desk.history.write(run.fence, ParamsKept({"region": "EU", "password": "***"}))
    assert (await desk.history.get(run.id)).params == {"region": "EU", "password": "***"}


async def _every_write(history: RunHistory, stale: RunId, attempt: int) -> list[bool]:
    fence, at = Fence(stale, attempt), MIDNIGHT
    trial = AttemptRun(stale, 0, 9, StepState.RUNNING, at)
    step = StepRun(stale, 0, "copy", "sql_query", StepState.SUCCEEDED, finished_at=at)
    return [
        await history.write(fence, ParamsKept({"late": True})),
        await history.write(fence, StepsPlanned(a_plan(stale, ["x", "y", "late"]))),
        await history.write(fence, AttemptBegun(trial)),
        await history.write(fence, AttemptEnded(replace(trial, state=StepState.FAILED), step)),
        await history.write(fence, StepEnded(step)),
    ]


async def test_a_late_writer_of_an_older_attempt_changes_nothing(desk: Desk) -> None:
    run, _, _ = await desk.begun()
    assert await desk.queue.requeue(run.fence, desk.clock.now())
    [again] = await desk.queue.claim(ProcessId("two"), 1)
    assert again.attempt == run.attempt + 1
    before = (await desk.history.get(run.id), await desk.history.steps(run.id))
    assert await _every_write(desk.history, run.id, run.attempt) == [False] * 5
    assert (await desk.history.get(run.id), await desk.history.steps(run.id)) == before


async def test_nothing_is_written_into_a_run_that_has_ended(desk: Desk) -> None:
    run, _, _ = await desk.begun()
    assert await desk.finish(run.fence, RunState.FAILED, "broken")
    before = await desk.history.steps(run.id)
    assert await _every_write(desk.history, run.id, run.attempt) == [False] * 5
    assert await desk.history.steps(run.id) == before


async def test_a_step_makes_no_illegal_move(desk: Desk) -> None:
    run, [first, second] = await desk.planned()
    skipped = replace(first, state=StepState.CANCELED, reason="skipped: disabled")
    assert await desk.history.write(run.fence, StepEnded(skipped))
    assert not await desk.history.write(
        run.fence, StepEnded(replace(first, state=StepState.FAILED))
    )
    assert not await desk.history.write(
        run.fence, StepEnded(replace(second, state=StepState.SUCCEEDED))
    )
    late = AttemptRun(run.id, 0, 1, StepState.RUNNING, desk.clock.now())
    assert not await desk.history.write(run.fence, AttemptBegun(late))
    assert await desk.history.attempts(run.id) == []


async def test_an_attempt_that_never_began_cannot_end_its_step(desk: Desk) -> None:
    run, step, attempt = await desk.begun()
    ghost = replace(attempt, attempt=7, state=StepState.SUCCEEDED)
    done = replace(step, state=StepState.SUCCEEDED)
    assert not await desk.history.write(run.fence, AttemptEnded(ghost, done))
    assert (await desk.history.steps(run.id))[0] == step


async def test_runs_in_flight_are_those_that_wait_or_run(desk: Desk) -> None:
    await desk.ended()
    running = await desk.claimed()
    queued = await desk.queued()
    await desk.queued(by_hand("other"))
    in_flight = await desk.history.in_flight(JobId("nightly"))
    assert [run.id for run in in_flight] == [running.id, queued]


async def test_the_last_run_of_each_job_is_its_newest(desk: Desk) -> None:
    await desk.ended(new=by_hand("a"))
    newest_a = await desk.queued(by_hand("a"))
    newest_b = await desk.queued(by_hand("b"))
    last = await desk.history.last_runs([JobId("a"), JobId("b"), JobId("never ran")])
    assert {job_id: run.id for job_id, run in last.items()} == {"a": newest_a, "b": newest_b}
    assert await desk.history.last_runs([]) == {}


async def test_the_previous_success_is_the_last_one_that_began_before(desk: Desk) -> None:
    first = await desk.ended()
    desk.clock.step(60)
    second = await desk.ended()
    desk.clock.step(60)
    await desk.ended(RunState.FAILED)
    job = JobId("nightly")
    assert await desk.history.previous_success_at(job, desk.clock.now()) == second.started_at
    assert second.started_at is not None
    assert await desk.history.previous_success_at(job, second.started_at) == first.started_at
    assert await desk.history.previous_success_at(JobId("other"), desk.clock.now()) is None


async def test_a_deleted_run_takes_its_steps_attempts_and_lines_along(desk: Desk) -> None:
    run, _, _ = await desk.begun()
    kept = await desk.queued()
    await desk.queue.enqueue_due([(due(), "skip")], {(JobId("nightly"), SCHEDULE): MIDNIGHT})
    await desk.database.write(
        lambda c: c.execute(text(f"DELETE FROM ly2_job_runs WHERE id <> {kept}"))
    )
    assert await desk.history.steps(run.id) == []
    assert await desk.history.attempts(run.id) == []
    assert [each.id for each in (await desk.history.page(RunFilter())).runs] == [kept]
    assert await desk.queue.cursors() == {(JobId("nightly"), SCHEDULE): MIDNIGHT}


async def test_an_id_is_never_given_twice(desk: Desk) -> None:
    first = await desk.queued()
    await desk.database.write(lambda c: c.execute(text("DELETE FROM ly2_job_runs")))
    assert await desk.queued() > first


async def test_every_instant_in_sqlite_is_written_in_one_form(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/history.db")
    await database.migrate()
    desk = Desk(database, FakeClock())
    run, _, _ = await desk.begun()
    await desk.queue.request_cancel(run.id, "user:anna")
    await desk.finish(run.fence, RunState.CANCELED, None)
    instants = [
        (table, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Instant)
    ]
    for table, name in instants:
        odd = text(
            f"SELECT {name} FROM {table} WHERE {name} NOT LIKE '____-__-__ __:__:__.______+00:00'"
        )
        assert await database.read(lambda c, odd=odd: c.execute(odd).all()) == []
    await database.close()


async def test_sqlite_users_can_compare_and_read_instants(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/history.db")
    await database.migrate()
    history = RunHistory(database, SystemClock())
    await history.insert([by_hand(state=RunState.SKIPPED)])
    await database.close()
    count = "SELECT count(*) FROM ly2_job_runs WHERE finished_at {} datetime('now', '{}')"
    with sqlite3.connect(tmp_path / "history.db") as connection:
        assert connection.execute(count.format("<", "-90 days")).fetchone() == (0,)
        assert connection.execute(count.format(">", "-90 days")).fetchone() == (1,)
        assert connection.execute(count.format("<", "+1 day")).fetchone() == (1,)
        [finished_at] = connection.execute("SELECT finished_at FROM ly2_job_runs").fetchone()
    connection.close()
    age = SystemClock().now() - datetime.fromisoformat(finished_at)
    assert timedelta(0) <= age < timedelta(minutes=1)
