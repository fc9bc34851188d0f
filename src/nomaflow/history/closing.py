"""Ends the open steps of runs that are ended from outside, not by who executes them."""

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import Connection, Update, update

from nomaflow.domain.course import EARLIER_FAILED
from nomaflow.domain.run import RunId
from nomaflow.domain.states import StepState
from nomaflow.history.tables import step_attempts, step_runs

OnEnd = Callable[[Connection, Collection[RunId]], None]
"""What follows when runs have ended, in the transaction that ends them."""


def nothing(_: Connection, __: Collection[RunId]) -> None:
    """Nothing follows."""


def cancel_open_steps(
    connection: Connection, run_ids: Collection[RunId], reason: str, now: datetime
) -> None:
    """Every step that waits, or waits for its retry, is CANCELED with `reason`."""
    ended = {"state": StepState.CANCELED, "reason": reason, "finished_at": now}
    connection.execute(_steps_in(StepState.RUNNING, run_ids).values(ended))
    connection.execute(_steps_in(StepState.PENDING, run_ids).values(ended))


def fail_open_steps(
    connection: Connection, run_ids: Collection[RunId], reason: str, now: datetime
) -> None:
    """The step and attempt under way are FAILED with `reason`; the steps after it CANCELED."""
    failed = {"state": StepState.FAILED, "reason": reason, "finished_at": now}
    skipped = {"state": StepState.CANCELED, "reason": EARLIER_FAILED, "finished_at": now}
    connection.execute(_steps_in(StepState.RUNNING, run_ids).values(failed))
    connection.execute(_steps_in(StepState.PENDING, run_ids).values(skipped))
    connection.execute(
        update(step_attempts)
        .where(step_attempts.c.run_id.in_(run_ids), step_attempts.c.state == StepState.RUNNING)
        .values(state=StepState.FAILED, finished_at=now)
    )


def _steps_in(state: StepState, run_ids: Collection[RunId]) -> Update:
    return update(step_runs).where(step_runs.c.run_id.in_(run_ids), step_runs.c.state == state)
