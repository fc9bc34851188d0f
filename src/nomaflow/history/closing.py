"""Ends runs from outside, that are not ended by who executes them."""

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import Connection, Update, func, insert, select, update

from nomaflow.domain.course import EARLIER_FAILED, Ending
from nomaflow.domain.run import LogLine, RunId
from nomaflow.domain.states import RunState, StepState, states_before
from nomaflow.history.chunks import chunk_row
from nomaflow.history.tables import job_logs, job_runs, step_attempts, step_runs

OnEnd = Callable[[Connection, Collection[RunId]], None]
"""What follows when runs have ended, in the transaction that ends them."""


def nothing(_: Connection, __: Collection[RunId]) -> None:
    """Nothing follows."""


def end_runs(
    connection: Connection, run_ids: Collection[RunId], ending: Ending, now: datetime
) -> None:
    """End the runs with all that is open of them, and say so in their logs. Those final stay."""
    connection.execute(
        update(job_runs)
        .where(job_runs.c.id.in_(run_ids), job_runs.c.state.in_(states_before(ending.state)))
        .values(state=ending.state, reason=ending.reason, finished_at=now, not_before=None)
    )
    reason = ending.reason or ""
    if ending.state is RunState.CANCELED:
        cancel_open_steps(connection, run_ids, reason, now)
        say_last(connection, run_ids, f"run {reason}", now)
    else:
        fail_open_steps(connection, run_ids, reason, now)
        say_last(connection, run_ids, f"run failed: {reason}", now)


def cancel_open_steps(
    connection: Connection, run_ids: Collection[RunId], reason: str, now: datetime
) -> None:
    """Every step and attempt that is not over is CANCELED with `reason`."""
    ended = {"state": StepState.CANCELED, "reason": reason, "finished_at": now}
    connection.execute(_steps_in(StepState.RUNNING, run_ids).values(ended))
    connection.execute(_steps_in(StepState.PENDING, run_ids).values(ended))
    _end_attempts(connection, run_ids, StepState.CANCELED, now)


def fail_open_steps(
    connection: Connection, run_ids: Collection[RunId], reason: str, now: datetime
) -> None:
    """The step and attempt under way are FAILED with `reason`; the steps after it CANCELED."""
    failed = {"state": StepState.FAILED, "reason": reason, "finished_at": now}
    skipped = {"state": StepState.CANCELED, "reason": EARLIER_FAILED, "finished_at": now}
    connection.execute(_steps_in(StepState.RUNNING, run_ids).values(failed))
    connection.execute(_steps_in(StepState.PENDING, run_ids).values(skipped))
    _end_attempts(connection, run_ids, StepState.FAILED, now)


def say_last(
    connection: Connection, run_ids: Collection[RunId], message: str, now: datetime
) -> None:
    """A line at the end of each log. Nobody else may be able to write it any more."""
    stored = select(job_logs.c.run_id, func.max(job_logs.c.last_seq))
    stored = stored.where(job_logs.c.run_id.in_(run_ids)).group_by(job_logs.c.run_id)
    last_seq = dict(iter(connection.execute(stored)))
    rows = [
        chunk_row(run_id, [LogLine(now, "INFO", message, seq=last_seq.get(run_id, 0) + 1)])
        for run_id in run_ids
    ]
    if rows:
        connection.execute(insert(job_logs), rows)


def _end_attempts(
    connection: Connection, run_ids: Collection[RunId], state: StepState, now: datetime
) -> None:
    attempts = step_attempts.c
    under_way = attempts.run_id.in_(run_ids) & (attempts.state == StepState.RUNNING)
    connection.execute(update(step_attempts).where(under_way).values(state=state, finished_at=now))


def _steps_in(state: StepState, run_ids: Collection[RunId]) -> Update:
    return update(step_runs).where(step_runs.c.run_id.in_(run_ids), step_runs.c.state == state)
