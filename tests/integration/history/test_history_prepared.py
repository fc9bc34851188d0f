"""Statements that are compiled once mean the same as those that are compiled each time."""

from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from tests.integration.history.history_builders import Desk

from nomaflow.domain.run import RunId
from nomaflow.history.prepared import Prepared
from nomaflow.history.tables import job_runs

CHANGE = Prepared(update(job_runs).where(job_runs.c.id == bindparam("of_run")))


async def test_values_are_converted_as_their_columns_want_it(desk: Desk) -> None:
    run_id, now = await desk.queued(), desk.clock.now()
    values = {"params": {"region": "Île"}, "reason": "a\0b", "started_at": now}

    def change(connection: Connection) -> int:
        return CHANGE.run(connection, {"of_run": run_id} | values).rowcount

    assert await desk.database.write(change) == 1
    run = await desk.history.get(run_id)
    assert (run.params, run.reason, run.started_at) == ({"region": "Île"}, "a?b", now)


async def test_only_the_columns_that_are_given_are_set(desk: Desk) -> None:
    run_id = await desk.queued()

    def change(connection: Connection) -> None:
        for values in ({"reason": "first"}, {"owner": "one"}, {"reason": None}):
            CHANGE.run(connection, {"of_run": run_id} | values)

    await desk.database.write(change)
    run = await desk.history.get(run_id)
    assert (run.reason, run.owner) == (None, "one")


async def test_many_rows_are_changed_by_one_statement(desk: Desk) -> None:
    run_ids = [await desk.queued() for _ in range(3)]
    rows = [{"of_run": run_id, "reason": f"run {run_id}"} for run_id in run_ids]
    await desk.database.write(lambda connection: CHANGE.run_each(connection, rows))

    assert [(await reason_of(desk, run_id)) for run_id in run_ids] == [r["reason"] for r in rows]


async def reason_of(desk: Desk, run_id: RunId) -> Any:
    query = select(job_runs.c.reason).where(job_runs.c.id == run_id)
    return await desk.database.read(lambda connection: connection.scalar(query))
