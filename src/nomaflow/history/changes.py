"""What becomes of a run that is held: changes, written together with its lines or not at all.

Each may be written twice, as after a commit whose answer was lost, and counts once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Connection

from nomaflow.domain.run import AttemptRun, Fence, LogLine, RunId, StepRun
from nomaflow.domain.states import RunState, StepState
from nomaflow.history.chunks import LINES_PER_CHUNK, chunk_row
from nomaflow.history.closing import fail_open_steps
from nomaflow.history.log_cap import cut_middle
from nomaflow.history.moves import (
    add_to,
    begin_step,
    change_run,
    end_run,
    hold_run,
    move_attempt,
    move_step,
)
from nomaflow.history.rows import step_values
from nomaflow.history.stores.base import Store
from nomaflow.history.tables import job_logs, step_attempts, step_runs

KEY = {"run_id", "step_index", "attempt"}


class IllegalMove(Exception):
    """A state may not change like that; undoes the transaction."""


@dataclass(frozen=True)
class ParamsKept:
    """The snapshot of the merged parameters; masked by the caller."""

    is_of_run: ClassVar[bool] = True
    params: Mapping[str, Any]

    def write(self, connection: Connection, _: Store, fence: Fence) -> bool:
        values = {"params": dict(self.params)}
        return change_run.run(connection, _of(fence) | values).rowcount == 1


@dataclass(frozen=True)
class RunEnded:
    """The run's end. Not written when a cancel was accepted and `state` is not CANCELED."""

    is_of_run: ClassVar[bool] = True
    state: RunState
    reason: str | None
    at: datetime

    def write(self, connection: Connection, _: Store, fence: Fence) -> bool:
        values = {
            "state": self.state,
            "reason": self.reason,
            "finished_at": self.at,
            "not_before": None,
        }
        return end_run(self.state).run(connection, _of(fence) | values).rowcount == 1


@dataclass(frozen=True)
class StepsPlanned:
    """The step runs that are missing are added; those that are there stay as they are."""

    is_of_run: ClassVar[bool] = False
    steps: Sequence[StepRun]

    def write(self, connection: Connection, store: Store, _: Fence) -> bool:
        if self.steps:
            add_to(step_runs, store).run_each(connection, [step_values(s) for s in self.steps])
        return True


@dataclass(frozen=True)
class AttemptBegun:
    """A new attempt; its step is RUNNING and keeps its first `started_at`."""

    is_of_run: ClassVar[bool] = False
    attempt: AttemptRun

    def write(self, connection: Connection, store: Store, _: Fence) -> bool:
        begun = _place(self.attempt) | {
            "state": StepState.RUNNING,
            "attempts": self.attempt.attempt,
            "at": self.attempt.started_at,
        }
        if begin_step().run(connection, begun).rowcount == 0:
            return False
        add_to(step_attempts, store).run(connection, step_values(self.attempt))
        return True


@dataclass(frozen=True)
class AttemptEnded:
    """An attempt's end; `step` goes with it, RUNNING when a retry follows."""

    is_of_run: ClassVar[bool] = False
    attempt: AttemptRun
    step: StepRun

    def write(self, connection: Connection, store: Store, fence: Fence) -> bool:
        moved = _end_of(self.attempt) | {"of_attempt": self.attempt.attempt}
        if move_attempt(self.attempt.state).run(connection, moved).rowcount == 0:
            return False
        return StepEnded(self.step).write(connection, store, fence)


@dataclass(frozen=True)
class StepEnded:
    """A step's end outside an attempt: skipped, or stopped while it waited for a retry."""

    is_of_run: ClassVar[bool] = False
    step: StepRun

    def write(self, connection: Connection, _: Store, __: Fence) -> bool:
        return move_step(self.step.state).run(connection, _end_of(self.step)).rowcount == 1


@dataclass(frozen=True)
class OpenStepsFailed:
    """The step and attempt under way are FAILED with `reason`; the steps after it CANCELED."""

    is_of_run: ClassVar[bool] = False
    reason: str
    at: datetime

    def write(self, connection: Connection, _: Store, fence: Fence) -> bool:
        fail_open_steps(connection, [fence.run_id], self.reason, self.at)
        return True


@dataclass(frozen=True)
class LinesAdded:
    """Lines with their numbers, which follow those that are stored."""

    is_of_run: ClassVar[bool] = False
    lines: Sequence[LogLine]

    def write(self, connection: Connection, store: Store, fence: Fence) -> bool:
        if self.lines:
            add_to(job_logs, store).run_each(connection, chunk_rows(fence.run_id, self.lines))
        return True


@dataclass(frozen=True)
class LogCapped:
    """The log's middle goes when all of it takes more than `most_bytes`."""

    is_of_run: ClassVar[bool] = False
    most_bytes: int
    at: datetime

    def write(self, connection: Connection, _: Store, fence: Fence) -> bool:
        cut_middle(connection, fence.run_id, self.most_bytes, self.at)
        return True


Change = (
    ParamsKept
    | RunEnded
    | StepsPlanned
    | AttemptBegun
    | AttemptEnded
    | StepEnded
    | OpenStepsFailed
    | LinesAdded
    | LogCapped
)


def write_changes(
    connection: Connection, store: Store, fence: Fence, changes: Sequence[Change]
) -> bool:
    """All of the changes. False when the fence no longer holds the run; then nothing was written.

    Raises IllegalMove, which undoes them all. The run's row is locked until the commit.
    """
    of_run = [change for change in changes if change.is_of_run]
    if not of_run and hold_run.run(connection, _of(fence)).first() is None:
        return False
    for number, change in enumerate([*of_run, *(c for c in changes if not c.is_of_run)]):
        if not change.write(connection, store, fence):
            if number == 0 and change.is_of_run:
                return False
            raise IllegalMove
    return True


def chunk_rows(run_id: RunId, lines: Sequence[LogLine]) -> list[dict[str, object]]:
    """The rows that hold these numbered lines."""
    starts = range(0, len(lines), LINES_PER_CHUNK)
    return [chunk_row(run_id, lines[start : start + LINES_PER_CHUNK]) for start in starts]


def _of(fence: Fence) -> dict[str, Any]:
    return {"of_run": fence.run_id, "of_claim": fence.attempt}


def _end_of(what: StepRun | AttemptRun) -> dict[str, Any]:
    """Which row moves, and what it becomes; what names the row stays as it is."""
    return _place(what) | _without_key(step_values(what)) | {"at": what.finished_at}


def _without_key(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in KEY}


def _place(what: StepRun | AttemptRun) -> dict[str, Any]:
    return {"of_run": what.run_id, "of_step": what.index}
