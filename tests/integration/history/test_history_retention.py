"""Retention: what is old goes, except what a person would miss."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select
from tests.integration.history.history_builders import DAY, Desk, by_hand, due

from nomaflow.domain.run import LogLine, RunId
from nomaflow.domain.states import RunState
from nomaflow.history.changes import LinesAdded
from nomaflow.history.retention import OldRuns, Retention, RetentionRule, portions
from nomaflow.history.tables import job_logs, job_runs


def pruning(desk: Desk, *, keep_last: int = 1, days: int = 90) -> Retention:
    return Retention(desk.database, RetentionRule(desk.clock.now() - days * DAY, keep_last))


async def expired(desk: Desk, **rule: int) -> tuple[RunId, ...]:
    return (await pruning(desk, **rule).look()).expired


async def left(desk: Desk) -> list[int]:
    query = select(job_runs.c.id).order_by(job_runs.c.id)
    return list(await desk.database.read(lambda connection: connection.scalars(query).all()))


async def test_old_runs_expire_and_younger_ones_stay(desk: Desk) -> None:
    old = [(await desk.ended(RunState.FAILED)).id for _ in range(3)]
    desk.clock.step(91 * 86400)
    await desk.ended(RunState.FAILED)
    assert await expired(desk) == tuple(old)
    assert await expired(desk, days=92) == ()


async def test_the_last_success_of_each_job_stays_however_old_it_is(desk: Desk) -> None:
    first = await desk.ended()
    last = await desk.ended()
    other = await desk.ended(new=by_hand("weekly"))
    failed = [(await desk.ended(RunState.FAILED)).id for _ in range(3)]
    desk.clock.step(200 * 86400)
    old = await pruning(desk).look()
    assert old.expired == (first.id, *failed[:-1])
    assert (old.kept_last_successes, old.kept_newest) == (2, 1)
    assert await desk.database.read(lambda c: c.scalar(select(func.count(job_runs.c.id)))) == 6
    assert await pruning(desk).delete(old.expired) == 3
    assert await left(desk) == [last.id, other.id, failed[-1]]


async def test_the_newest_runs_of_each_job_stay_however_old_they_are(desk: Desk) -> None:
    runs = [(await desk.ended(RunState.FAILED)).id for _ in range(5)]
    lone = await desk.ended(RunState.FAILED, by_hand("yearly"))
    desk.clock.step(200 * 86400)
    old = await pruning(desk, keep_last=3).look()
    assert old == OldRuns(expired=tuple(runs[:2]), kept_newest=4)
    assert lone.id not in old.expired


async def test_a_run_that_has_not_ended_stays(desk: Desk) -> None:
    running = await desk.claimed(by_hand("long"))
    waiting = await desk.queued(by_hand("long"))
    newest = await desk.queued(by_hand("long"))
    desk.clock.step(200 * 86400)
    assert await expired(desk) == ()
    assert await pruning(desk).delete([running.id, waiting]) == 0
    assert await left(desk) == [running.id, waiting, newest]


async def test_rows_that_were_born_final_expire_too(desk: Desk) -> None:
    born = due(state=RunState.MISSED, reason="service down")
    later = due(at=born.scheduled_at + DAY, state=RunState.SKIPPED, reason="overlap")
    ids = [await desk.queue.enqueue(new, overlap="skip") for new in (born, later)]
    desk.clock.step(91 * 86400)
    assert await expired(desk) == (ids[0],)


async def test_a_run_counts_from_its_end(desk: Desk) -> None:
    run = await desk.claimed()
    desk.clock.step(100 * 86400)
    await desk.finish(run.fence, RunState.FAILED)
    await desk.ended(RunState.FAILED)
    desk.clock.step(89 * 86400)
    assert await expired(desk) == ()
    desk.clock.step(2 * 86400)
    assert await expired(desk) == (run.id,)


async def test_every_old_run_is_looked_at_once(desk: Desk) -> None:
    runs = [(await desk.ended(RunState.FAILED)).id for _ in range(10)]
    desk.clock.step(timedelta(days=91).total_seconds())
    walk = replace(pruning(desk), runs_per_look=3)
    found, cursor = [], None
    for _ in range(4):
        old = await walk.look(cursor)
        found += old.expired
        await walk.delete(old.expired)
        cursor = old.cursor
    assert cursor is None
    assert found == runs[:-1]
    assert await left(desk) == runs[-1:]


async def test_steps_attempts_and_logs_go_with_their_run(desk: Desk) -> None:
    run, *_ = await desk.begun()
    lines = [LogLine(desk.clock.now(), "INFO", "x", seq=seq) for seq in range(1, 2001)]
    assert await desk.history.write(run.fence, LinesAdded(lines))
    await desk.finish(run.fence, RunState.FAILED)
    assert await pruning(desk).delete([run.id]) == 1
    assert await desk.history.steps(run.id) == []
    assert await desk.history.attempts(run.id) == []
    chunks = await desk.database.read(
        lambda c: c.scalar(select(func.count()).select_from(job_logs))
    )
    assert chunks == 0


def test_a_delete_takes_away_a_bounded_number_of_rows() -> None:
    runs = [RunId(number) for number in range(1, 8)]
    weights = {RunId(2): 60, RunId(3): 60, RunId(5): 900}
    found = list(portions(runs, weights))
    assert found == [[1, 2], [3, 4], [5], [6, 7]]


def test_every_run_is_in_one_portion_of_the_delete() -> None:
    runs = [RunId(number) for number in range(1, 251)]
    found = list(portions(runs, {}))
    assert [len(portion) for portion in found] == [100, 100, 50]
    assert [run for portion in found for run in portion] == runs
