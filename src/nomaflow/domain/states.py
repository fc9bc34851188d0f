"""The states of runs and step runs, and the one table of legal moves for each."""

from enum import StrEnum


class RunState(StrEnum):
    """Where a run stands. SKIPPED and MISSED are born final: they never executed."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    SKIPPED = "SKIPPED"
    MISSED = "MISSED"

    @property
    def is_final(self) -> bool:
        return not RUN_MOVES[self]


class StepState(StrEnum):
    """Where a step run stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    @property
    def is_final(self) -> bool:
        return not STEP_MOVES[self]


RUN_MOVES: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELED, RunState.FAILED}),
    RunState.RUNNING: frozenset(
        {RunState.QUEUED, RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED}
    ),
    RunState.SUCCEEDED: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.CANCELED: frozenset(),
    RunState.SKIPPED: frozenset(),
    RunState.MISSED: frozenset(),
}

STEP_MOVES: dict[StepState, frozenset[StepState]] = {
    StepState.PENDING: frozenset({StepState.RUNNING, StepState.CANCELED}),
    StepState.RUNNING: frozenset({StepState.SUCCEEDED, StepState.FAILED, StepState.CANCELED}),
    StepState.SUCCEEDED: frozenset(),
    StepState.FAILED: frozenset(),
    StepState.CANCELED: frozenset(),
}

IN_FLIGHT = frozenset({RunState.QUEUED, RunState.RUNNING})


def states_before(target: RunState) -> frozenset[RunState]:
    """The states from which a run may move to `target`."""
    return frozenset(state for state, moves in RUN_MOVES.items() if target in moves)
