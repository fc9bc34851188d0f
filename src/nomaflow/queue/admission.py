"""Which new runs the queue takes, beside the job's runs that are in flight."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, select

from nomaflow.domain.job import JobId, Overlap
from nomaflow.domain.run import NewRun, RunId
from nomaflow.domain.states import IN_FLIGHT, RunState
from nomaflow.history.tables import job_runs

DueRun = tuple[NewRun, Overlap]
Flights = Mapping[JobId, list[RunId]]

# Made once, because every run needs it.
FLIGHTS = (
    select(job_runs.c.job_id, job_runs.c.id)
    .where(job_runs.c.job_id.in_(bindparam("job_ids", expanding=True)))
    .where(job_runs.c.state.in_(IN_FLIGHT))
    .order_by(job_runs.c.id)
)


@dataclass(frozen=True)
class Admission:
    """The row that a new run becomes, and the runs that it replaces."""

    new: NewRun
    replaces: Sequence[RunId] = ()


def admission(new: NewRun, overlap: Overlap, flight: Sequence[RunId]) -> Admission:
    """What becomes of `new` while `flight`, oldest first, is in flight.

    One that `waits_turn` already is caught up: it never overlaps and is never skipped.
    """
    if new.state is not RunState.QUEUED or overlap == "allow":
        return Admission(replace(new, waits_turn=False))
    if new.waits_turn or not flight:
        return Admission(new)
    if overlap == "replace":
        return Admission(replace(new, waits_turn=True), flight)
    if overlap == "queue" and len(flight) == 1:
        return Admission(replace(new, waits_turn=True))
    reason = f"run {flight[0]}" if overlap == "skip" else f"run {flight[-1]} waits already"
    return Admission(replace(new, state=RunState.SKIPPED, reason=f"overlap: {reason}"))


def in_flight(connection: Connection, due: Sequence[DueRun]) -> Flights:
    """The runs in flight of each job that may not overlap, oldest first."""
    flights: dict[JobId, list[RunId]] = defaultdict(list)
    job_ids = {new.job_id for new, overlap in due if overlap != "allow"}
    if job_ids:
        for job_id, run_id in connection.execute(FLIGHTS, {"job_ids": list(job_ids)}):
            flights[job_id].append(run_id)
    return flights
