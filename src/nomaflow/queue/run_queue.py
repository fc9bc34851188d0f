"""The run queue: durable, shared by every process on the store; a claim is a conditional write."""

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Select,
    Update,
    insert,
    or_,
    select,
    update,
)

from nomaflow.clock import Clock
from nomaflow.domain.course import Ending, StopReason
from nomaflow.domain.job import JobId, Overlap
from nomaflow.domain.run import Fence, NewRun, ProcessId, Run, RunId, StepRun, TriggerId
from nomaflow.domain.states import RunState, states_before
from nomaflow.errors import JobBusy, NotFound, Refused
from nomaflow.history.calls import Call, remember, run_of
from nomaflow.history.closing import end_runs
from nomaflow.history.database import Database
from nomaflow.history.rows import RUN_COLUMNS, as_run, step_values
from nomaflow.history.runs import insert_runs
from nomaflow.history.tables import job_runs, schedules, step_runs
from nomaflow.history.transactions import Unit
from nomaflow.queue.admission import Admission, DueRun, Flights, admission, in_flight
from nomaflow.queue.claims import ANY_QUEUED, CLAIM, claimable, claimable_calls, unlimited
from nomaflow.queue.followers import Followers
from nomaflow.queue.limits import Candidate, Limits, LimitsInForce, Slots, fill

T = TypeVar("T")

ScheduleKey = tuple[JobId, TriggerId]
CURSOR_COLUMNS = [schedules.c.job_id, schedules.c.trigger_id, schedules.c.cursor_at]


def nobody(_: RunId) -> None:
    """Nobody wants to know."""


class RunQueue:
    """Queued runs and what becomes of them. Raises Unreachable when the store is away.

    `on_ended` hears of each run that ended while it was queued; now and then, as when a
    transaction was repeated, of one that did not.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        followers: Followers | None = None,
        limits: LimitsInForce = Limits,
        on_ended: Callable[[RunId], None] = nobody,
    ) -> None:
        self._database = database
        self._clock = clock
        self._followers = followers or Followers()
        self._limits = limits
        self._on_ended = on_ended
        self._ended: deque[RunId] = deque()
        self._listeners: list[Callable[[], None]] = []
        self._empty_since: int | None = None

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """`listener` is called when new runs are on their way to the store.

        A claim that is made in the event loop's next turn shares their commit. The returned
        function ends it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def enqueue(
        self,
        new: NewRun,
        *,
        overlap: Overlap,
        call: Call | None = None,
        steps: Sequence[StepRun] = (),
    ) -> RunId | None:
        """The new run's id; None when its due time already has a row.

        One that the job's runs in flight leave no room for: with a due time it is born SKIPPED,
        by hand it raises JobBusy and leaves no row. A `call` that was made before gets the id of
        the run that it started then. `steps` are planned already, some of them done.
        """
        now = self._clock.now()

        def enqueue(connection: Connection) -> RunId | None:
            self._database.store.lock(connection, "queue")
            if call is not None and (known := run_of(connection, call, now)) is not None:
                return known
            flights = in_flight(connection, [(new, overlap)])
            admitted = admission(new, overlap, flights[new.job_id])
            if admitted.new.state is RunState.SKIPPED and new.scheduled_at is None:
                raise JobBusy(new.job_id, flights[new.job_id][0])
            run_id = self._insert(connection, [admitted], flights, now)[0]
            if call is not None and run_id is not None:
                remember(connection, call, run_id, now)
            if steps and run_id is not None:
                planned = [step_values(replace(step, run_id=run_id)) for step in steps]
                connection.execute(insert(step_runs), planned)
            return run_id

        self._announce()
        return await self._write(enqueue)

    async def enqueue_due(
        self, due: Sequence[DueRun], cursors: Mapping[ScheduleKey, datetime]
    ) -> list[RunId]:
        """Rows for the due times and the schedules' cursors, in one transaction.

        A due time that already has its row is passed over; a cursor never goes back. Returns the
        ids of the new rows, also of those born final.
        """
        now = self._clock.now()

        def enqueue(connection: Connection) -> list[RunId]:
            self._database.store.lock(connection, "queue")
            self._move_cursors(connection, cursors)
            return self._insert_due(connection, due, now)

        self._announce()
        return await self._write(enqueue)

    async def cursors(self) -> dict[ScheduleKey, datetime]:
        """The last due time of each schedule that was decided."""
        query = select(schedules).where(schedules.c.cursor_at.is_not(None))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {(row.job_id, row.trigger_id): row.cursor_at for row in rows}

    async def claim(self, owner: ProcessId, limit: int, *, takes_any: bool = True) -> list[Run]:
        """Up to `limit` queued runs, oldest first, now RUNNING and held by `owner`.

        One that does not take any run gets only those that are reserved for it.
        Each claim raises the run's `attempt`; no two processes ever get the same attempt.
        """
        now, commits = self._clock.now(), self._database.commits()

        def claim(connection: Connection) -> tuple[list[Run], bool]:
            who = {"claimant": owner, "at": now}
            ids = self._claimable(connection, who, limit, takes_any=takes_any)
            if not ids:
                return [], ANY_QUEUED.run(connection, {}).first() is None
            rows = connection.execute(CLAIM, {**who, "claimable": ids}).all()
            return sorted((as_run(row) for row in rows), key=lambda run: run.id), False

        runs, is_empty = await self._write(claim)
        self._empty_since = commits if is_empty else None
        return runs

    def is_still_empty(self) -> bool:
        """Whether the last claim saw nothing queued, and nobody has written since.

        False too where the store cannot tell without a look.
        """
        return self._empty_since is not None and self._empty_since == self._database.commits()

    async def claim_called(
        self, owner: ProcessId, called: Mapping[RunId, Collection[JobId]]
    ) -> list[Run]:
        """Those of the called runs that may begin, now RUNNING and held by `owner`.

        Each is given with the jobs whose runs wait for it: of a limit that one of these has it
        needs no slot of its own.
        """
        now = self._clock.now()

        def claim(connection: Connection) -> list[Run]:
            who = {"claimant": owner, "at": now}
            limits = self._limits()
            if limits.of_job:
                self._database.store.lock(connection, "queue")
            wanted = {**who, "most": len(called), "called": list(called)}
            found = connection.execute(claimable_calls(), wanted).all()
            slots = Slots.free(connection, limits)
            ids = [row.id for row in found if slots.takes_called(row.job_id, called[row.id])]
            rows = connection.execute(CLAIM, {**who, "claimable": ids}).all() if ids else []
            return [as_run(row) for row in rows]

        return await self._write(claim)

    async def held(self, owner: ProcessId) -> list[Run]:
        """The runs that `owner` has claimed and not ended yet, oldest first."""
        query = select(*RUN_COLUMNS).where(
            job_runs.c.state == RunState.RUNNING, job_runs.c.owner == owner
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return sorted((as_run(row) for row in rows), key=lambda run: run.id)

    async def requeue(self, fence: Fence, not_before: datetime) -> bool:
        """Give the run back until `not_before`. False when the fence no longer holds it.

        A run whose cancel was accepted meanwhile is not queued again but CANCELED.
        """
        now = self._clock.now()
        change = _held(fence, RunState.QUEUED).values(
            state=RunState.QUEUED, owner=None, not_before=not_before
        )

        def requeue(connection: Connection) -> bool:
            row = connection.execute(change.returning(*RUN_COLUMNS)).first()
            if row is not None and row.cancel_requested_by is not None:
                self._cancel_queued(connection, as_run(row), row.cancel_requested_by, now)
            return row is not None

        return await self._write(requeue)

    async def request_cancel(self, run_id: RunId, by: str) -> Run:
        """Ask for the run's end: QUEUED ends at once, RUNNING hears of it from its owner.

        Raises NotFound, and Refused when the run has ended already.
        """
        now = self._clock.now()

        def request(connection: Connection) -> Run:
            run = _locked(connection, run_id)
            if run.state is RunState.QUEUED:
                return self._cancel_queued(connection, run, by, now)
            if run.state is RunState.RUNNING:
                return _request(connection, run, by, now)
            raise Refused(f"Run {run_id} has ended already: it is {run.state}.")

        return await self._write(request)

    async def cancel_requests(self, owner: ProcessId) -> list[tuple[RunId, str]]:
        """The runs that `owner` executes and someone asked to cancel, and who asked."""
        query = select(job_runs.c.id, job_runs.c.cancel_requested_by).where(
            job_runs.c.state == RunState.RUNNING,
            job_runs.c.owner == owner,
            job_runs.c.cancel_requested_at.is_not(None),
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [(RunId(row.id), row.cancel_requested_by) for row in rows]

    def follow(self, connection: Connection, ended: Collection[RunId]) -> None:
        """Start what comes after runs that have ended, in the transaction that ends them."""
        due = self._followers.of(connection, ended)
        if due:
            self._database.store.lock(connection, "queue")
            self._insert_due(connection, due, self._clock.now())

    def _claimable(
        self, connection: Connection, who: Mapping[str, Any], most: int, *, takes_any: bool
    ) -> list[int]:
        """The oldest runs that may begin, as far as limits have slots."""
        limits = self._limits()
        if not limits.of_job:
            wanted = {**who, "most": most}
            return list(unlimited(takes_any=takes_any).run(connection, wanted).scalars())
        query = claimable(takes_any=takes_any, is_limited=True)
        self._database.store.lock(connection, "queue")

        def candidates(without: Sequence[str]) -> Sequence[Candidate]:
            found = connection.execute(query, {**who, "most": most, "without": without})
            return [(row.id, row.job_id) for row in found]

        return fill(Slots.free(connection, limits), most, candidates)

    def _insert_due(
        self, connection: Connection, due: Sequence[DueRun], now: datetime
    ) -> list[RunId]:
        flights = in_flight(connection, due)
        ids: list[RunId | None] = []
        for batch in _one_per_job(due):
            admitted = [admission(*each, flights[each[0].job_id]) for each in batch]
            ids += self._insert(connection, admitted, flights, now)
        return [run_id for run_id in ids if run_id is not None]

    def _insert(
        self, connection: Connection, admitted: Sequence[Admission], flights: Flights, now: datetime
    ) -> list[RunId | None]:
        """Insert runs of different jobs; those that replace others ask these to end."""
        new = [each.new for each in admitted]
        ids = insert_runs(connection, self._database.store, new, now)
        for each, run_id in zip(admitted, ids, strict=True):
            if run_id is not None and each.new.state is RunState.QUEUED:
                self._end_replaced(connection, each.replaces, run_id, now)
                flights[each.new.job_id].append(run_id)
        return ids

    def _end_replaced(
        self, connection: Connection, replaced: Sequence[RunId], by: RunId, now: datetime
    ) -> None:
        """Ask the runs to end for the one that is to start instead."""
        for run_id in tuple(replaced):
            run = _locked(connection, run_id)
            if run.state is RunState.QUEUED:
                self._cancel_queued(connection, run, f"run {by}, which replaces it", now)
            elif run.state is RunState.RUNNING:
                _request(connection, run, f"run {by}, which replaces it", now)

    def _cancel_queued(self, connection: Connection, run: Run, by: str, now: datetime) -> Run:
        ending = Ending(RunState.CANCELED, str(StopReason("cancel", by)))
        end_runs(connection, [run.id], ending, now)
        self._ended.append(run.id)
        canceled = _request(connection, run, by, now)
        self.follow(connection, [run.id])
        return canceled

    def _announce(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    async def _write(self, unit: Unit[T]) -> T:
        """Commit the unit, then tell what ended by it, or by `follow` since the last time."""
        result = await self._database.write(unit)
        while self._ended:
            self._on_ended(self._ended.popleft())
        return result

    def _move_cursors(
        self, connection: Connection, cursors: Mapping[ScheduleKey, datetime]
    ) -> None:
        decided = self._database.store.rows(
            CURSOR_COLUMNS,
            [
                {"job_id": job_id, "trigger_id": trigger_id, "cursor_at": at}
                for (job_id, trigger_id), at in cursors.items()
            ],
        )
        new = self._database.store.insert_new(schedules).from_select(CURSOR_COLUMNS, decided)
        connection.execute(new)
        connection.execute(_forward(decided))


def _one_per_job(due: Sequence[DueRun]) -> Iterator[list[DueRun]]:
    """Batches in which each job stands once, so that its next due time sees the one before."""
    by_job: dict[JobId, list[DueRun]] = defaultdict(list)
    for each in due:
        by_job[each[0].job_id].append(each)
    for batch in zip_longest(*by_job.values()):
        yield [each for each in batch if each is not None]


def _forward(decided: Select[*tuple[Any, ...]]) -> Update:
    """Moves the cursors on, none back."""
    new = decided.cte("decided").c
    return (
        update(schedules)
        .where(
            schedules.c.job_id == new.job_id,
            schedules.c.trigger_id == new.trigger_id,
            or_(schedules.c.cursor_at.is_(None), schedules.c.cursor_at < new.cursor_at),
        )
        .values(cursor_at=new.cursor_at)
    )


def _held(fence: Fence, target: RunState) -> Update:
    """A change of the run that the fence holds, if it may move to `target`."""
    return update(job_runs).where(
        job_runs.c.id == fence.run_id,
        job_runs.c.attempt == fence.attempt,
        job_runs.c.state == RunState.RUNNING,
        job_runs.c.state.in_(states_before(target)),
    )


def _locked(connection: Connection, run_id: RunId) -> Run:
    """The run, its row locked against claims and ends until the commit. Raises NotFound."""
    query = select(*RUN_COLUMNS).where(job_runs.c.id == run_id).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"There is no run {run_id}.")
    return as_run(row)


def _request(connection: Connection, run: Run, by: str, now: datetime) -> Run:
    return _updated(connection, run, _first_request(run, by, now))


def _first_request(run: Run, by: str, now: datetime) -> dict[str, object]:
    """A second request changes nothing: the first one counts."""
    if run.cancel_requested_at is not None:
        return {"cancel_requested_at": run.cancel_requested_at}
    return {"cancel_requested_at": now, "cancel_requested_by": by}


def _updated(connection: Connection, run: Run, change: Mapping[str, object]) -> Run:
    statement = update(job_runs).where(job_runs.c.id == run.id).values(**change)
    return as_run(connection.execute(statement.returning(*RUN_COLUMNS)).one())
