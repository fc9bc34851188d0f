"""The statements by which a run that is held, its steps and its attempts change."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Table,
    and_,
    bindparam,
    false,
    func,
    or_,
    select,
    update,
)

from nomaflow.domain.states import STEP_MOVES, RunState, StepState, states_before
from nomaflow.history.prepared import Prepared
from nomaflow.history.stores.base import Store
from nomaflow.history.tables import job_runs, step_attempts, step_runs
from nomaflow.history.types import Instant

OF_CLAIM = and_(
    job_runs.c.id == bindparam("of_run"),
    job_runs.c.attempt == bindparam("of_claim"),
    job_runs.c.state == RunState.RUNNING,
)
OF_STEP = and_(
    step_runs.c.run_id == bindparam("of_run"), step_runs.c.step_index == bindparam("of_step")
)
OF_ATTEMPT = and_(
    step_attempts.c.run_id == bindparam("of_run"),
    step_attempts.c.step_index == bindparam("of_step"),
    step_attempts.c.attempt == bindparam("of_attempt"),
)
AT = bindparam("at", type_=Instant())

hold_run = Prepared(select(job_runs.c.id).where(OF_CLAIM).with_for_update(key_share=True))
change_run = Prepared(update(job_runs).where(OF_CLAIM))


@cache
def end_run(state: RunState) -> Prepared:
    """An end other than CANCELED does not stand against a cancel that was accepted."""
    statement = update(job_runs).where(OF_CLAIM, _is_one_of(job_runs.c.state, states_before(state)))
    if state is not RunState.CANCELED:
        statement = statement.where(job_runs.c.cancel_requested_at.is_(None))
    return Prepared(statement)


@cache
def begin_step() -> Prepared:
    """The first beginning counts, also when the step is tried again."""
    begun = func.coalesce(step_runs.c.started_at, AT)
    may_begin = _is_one_of(step_runs.c.state, _states_before(StepState.RUNNING))
    return Prepared(update(step_runs).where(OF_STEP, may_begin).values(started_at=begun))


@cache
def move_step(target: StepState) -> Prepared:
    return Prepared(update(step_runs).where(OF_STEP, _may_become(step_runs, target)))


@cache
def move_attempt(target: StepState) -> Prepared:
    return Prepared(update(step_attempts).where(OF_ATTEMPT, _may_become(step_attempts, target)))


@cache
def add_to(table: Table, store: Store) -> Prepared:
    """Rows that are there already are passed over."""
    return Prepared(store.insert_new(table))


def _may_become(table: Table, target: StepState) -> ColumnElement[bool]:
    """The row moves to `target` now, or it did when this change was written before."""
    has_become = and_(table.c.state == target, table.c.finished_at == AT)
    return or_(_is_one_of(table.c.state, _states_before(target)), has_become)


def _states_before(target: StepState) -> list[StepState]:
    """From where a step may come; a step that is tried again stays RUNNING."""
    before = [state for state, moves in STEP_MOVES.items() if target in moves]
    return before if target.is_final else [*before, target]


def _is_one_of(column: Column[Any], states: Iterable[str]) -> ColumnElement[bool]:
    """Not IN, whose text would depend on how many there are."""
    return or_(false(), *(column == state for state in sorted(states)))
