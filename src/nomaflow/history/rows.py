"""Rows to domain values and back."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from nomaflow.domain.run import AttemptRun, NewRun, Run, StepError, StepRun
from nomaflow.domain.states import RunState, StepState
from nomaflow.history.tables import job_runs
from nomaflow.history.types import headline, storable

AnyRow = Row[*tuple[Any, ...]]
FOR_THE_QUEUE = {"reserved_for", "waits_turn"}
RUN_COLUMNS = [column for column in job_runs.columns if column.name not in FOR_THE_QUEUE]
NEW_RUN_COLUMNS = [
    job_runs.c[name]
    for name in (*NewRun.__dataclass_fields__, "created_at", "finished_at", "attempt", "params")
]


def as_run(row: AnyRow) -> Run:
    """A row of RUN_COLUMNS."""
    values = dict(row._mapping)
    values["state"] = RunState(values["state"])
    return Run(**values)


def new_run_values(new: NewRun, now: datetime) -> dict[str, Any]:
    """The row of a run to be; one that is born final has finished too."""
    return vars(new) | {
        "reason": new.reason and headline(new.reason),
        "triggered_by": storable(new.triggered_by),
        "created_at": now,
        "finished_at": now if new.state.is_final else None,
        "attempt": 0,
        "params": {},
    }


def as_step_run(row: AnyRow) -> StepRun:
    """A row of the table of step runs."""
    return StepRun(**_ended_values(row))


def as_attempt_run(row: AnyRow) -> AttemptRun:
    """A row of the table of attempts."""
    return AttemptRun(**_ended_values(row))


def step_values(what: StepRun | AttemptRun) -> dict[str, Any]:
    """The row of a step run or of an attempt."""
    values = dict(vars(what))
    values["step_index"] = values.pop("index")
    values["error"] = what.error and asdict(what.error)
    return values


def _ended_values(row: AnyRow) -> dict[str, Any]:
    values = dict(row._mapping)
    values["index"] = values.pop("step_index")
    values["state"] = StepState(values["state"])
    values["error"] = values["error"] and StepError(**values["error"])
    return values
