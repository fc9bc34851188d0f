"""The statements of a claim: which runs may begin, and the conditional write that takes them."""

from functools import cache

from sqlalchemy import (
    BindParameter,
    Select,
    Text,
    bindparam,
    exists,
    false,
    func,
    or_,
    select,
    true,
    update,
)

from nomaflow.domain.job import JobId
from nomaflow.domain.states import IN_FLIGHT, RunState, states_before
from nomaflow.history.prepared import Prepared
from nomaflow.history.rows import RUN_COLUMNS
from nomaflow.history.tables import job_runs
from nomaflow.history.types import Instant

# Made once, because every run needs them.
ANY_QUEUED = Prepared(select(job_runs.c.id).where(job_runs.c.state == RunState.QUEUED).limit(1))
AT = bindparam("at", type_=Instant())
CLAIMANT: BindParameter[str] = bindparam("claimant", type_=Text())


@cache
def claimable(*, takes_any: bool, is_limited: bool) -> Select[int, JobId]:
    """Rows that another process is about to claim are passed over, not waited for."""
    run, earlier = job_runs.c, job_runs.alias()
    must_wait = exists().where(
        earlier.c.job_id == run.job_id,
        earlier.c.id < run.id,
        or_(*(earlier.c.state == state for state in sorted(IN_FLIGHT))),
    )
    return (
        select(run.id, run.job_id)
        .where(
            run.state == RunState.QUEUED,
            or_(run.not_before.is_(None), run.not_before <= AT),
            or_(run.reserved_for == CLAIMANT, run.reserved_for.is_(None) if takes_any else false()),
            or_(run.waits_turn.is_(False), ~must_wait),
            run.job_id.not_in(bindparam("without", expanding=True)) if is_limited else true(),
        )
        .order_by(run.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )


@cache
def unlimited(*, takes_any: bool) -> Prepared:
    """The ids of those that may begin while no limit is declared."""
    return Prepared(claimable(takes_any=takes_any, is_limited=False))


@cache
def claimable_calls() -> Select[int, JobId]:
    query = claimable(takes_any=True, is_limited=False)
    return query.where(job_runs.c.id.in_(bindparam("called", expanding=True)))


CLAIM = (
    update(job_runs)
    .where(
        job_runs.c.id.in_(bindparam("claimable", expanding=True)),
        job_runs.c.state.in_(states_before(RunState.RUNNING)),
    )
    .values(
        state=RunState.RUNNING,
        owner=CLAIMANT,
        attempt=job_runs.c.attempt + 1,
        started_at=func.coalesce(job_runs.c.started_at, AT),
        not_before=None,
    )
    .returning(*RUN_COLUMNS)
)
