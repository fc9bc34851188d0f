"""Runs that go on after their process died: the attempt is lost, the run is not."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select, update

from nomaflow.domain.run import Run, RunId, StepError
from nomaflow.domain.states import RunState, StepState
from nomaflow.history.tables import job_runs, step_attempts

MOST_RESCUES: Final = 3
LOST_ATTEMPT: Final = StepError("ProcessLost", "the process that executed it died")


def resumable(connection: Connection, runs: Sequence[Run]) -> set[RunId]:
    """Those that go on: RUNNING, not to be canceled, and not rescued too often already."""
    candidates = [
        run.id for run in runs if run.state is RunState.RUNNING and not run.cancel_requested_by
    ]
    attempts = step_attempts.c
    query = select(attempts.run_id, attempts.error).where(
        attempts.run_id.in_(candidates), attempts.state == StepState.FAILED
    )
    lost = Counter(
        row.run_id
        for row in connection.execute(query)
        if row.error and row.error["type"] == LOST_ATTEMPT.type
    )
    return {run_id for run_id in candidates if lost[run_id] < MOST_RESCUES}


def requeue_lost(connection: Connection, run_ids: Collection[RunId], now: datetime) -> None:
    """Back to the queue, for anybody; the interrupted step waits for its next attempt."""
    attempts = step_attempts.c
    connection.execute(
        update(job_runs)
        .where(job_runs.c.id.in_(run_ids))
        .values(state=RunState.QUEUED, owner=None, reserved_for=None, not_before=None)
    )
    connection.execute(
        update(step_attempts)
        .where(attempts.run_id.in_(run_ids), attempts.state == StepState.RUNNING)
        .values(state=StepState.FAILED, finished_at=now, error=asdict(LOST_ATTEMPT))
    )
