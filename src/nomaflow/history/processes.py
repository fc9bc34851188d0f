"""The processes that share the store: who lives, who died, and what becomes of their runs."""

import os
import secrets
import socket
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    union,
    update,
)

from nomaflow.clock import Clock
from nomaflow.domain.course import Ending, StopReason
from nomaflow.domain.job import JobId
from nomaflow.domain.run import ProcessId, Run, RunId
from nomaflow.domain.states import RunState
from nomaflow.history.closing import OnEnd, end_runs, nothing
from nomaflow.history.database import Database
from nomaflow.history.lost import requeue_lost, resumable
from nomaflow.history.prepared import Prepared
from nomaflow.history.pulses import Pulses
from nomaflow.history.rows import RUN_COLUMNS, AnyRow, as_run
from nomaflow.history.tables import job_runs, processes

LOST: Final = "lost in restart"


def _unregistered_holders() -> CompoundSelect[str]:
    run = job_runs.c
    registered = select(processes.c.id)
    owners = select(run.owner).where(
        run.state == RunState.RUNNING, run.owner.is_not(None), run.owner.not_in(registered)
    )
    awaited = select(run.reserved_for).where(
        run.state == RunState.QUEUED,
        run.reserved_for.is_not(None),
        run.reserved_for.not_in(registered),
    )
    return union(owners, awaited)


# Made once, because each heartbeat needs them.
BEAT: Final = Prepared(update(processes).where(processes.c.id == bindparam("of_process")))
REGISTERED: Final = Prepared(select(processes))
UNREGISTERED_HOLDERS: Final = Prepared(_unregistered_holders())


def never(_: JobId) -> bool:
    """No job goes on after a crash."""
    return False


@dataclass(frozen=True)
class Place:
    """Where a process lives. Two with the same host and `boot_id` can see each other's pids."""

    host: str
    boot_id: str
    pid: int

    @classmethod
    def here(cls) -> Self:
        return cls(socket.gethostname(), _boot_id(), os.getpid())


class ProcessRegistry:
    """A process registers before it claims runs, and then keeps telling that it lives."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        place: Place | None = None,
        is_alive: Callable[[int], bool] | None = None,
        on_end: OnEnd = nothing,
    ) -> None:
        self._database = database
        self._clock = clock
        self._place = place or Place.here()
        self._is_alive = is_alive or _is_alive
        self._on_end = on_end
        self._pulses = Pulses()

    async def register(self, kind: str) -> ProcessId:
        """Enter this process; `kind` says what it is, such as `serve` or `run`."""
        place, now = self._place, self._clock.now()
        process_id = ProcessId(f"{place.host}-{place.pid}-{secrets.token_hex(4)}")
        entry = insert(processes).values(
            id=process_id, kind=kind, started_at=now, heartbeat_at=now, **vars(place)
        )
        await self._database.write(lambda connection: connection.execute(entry))
        return process_id

    async def heartbeat(self, process_id: ProcessId) -> bool:
        """Tell that the process lives. False: it was taken for dead, its runs are lost to it."""
        beat = {"of_process": process_id, "heartbeat_at": self._clock.now()}
        return await self._database.write(
            lambda connection: BEAT.run(connection, beat).rowcount == 1
        )

    async def remove(self, process_id: ProcessId) -> None:
        """Take the process out, as the last thing that it does."""
        gone = delete(processes).where(processes.c.id == process_id)
        await self._database.write(lambda connection: connection.execute(gone))

    async def dead(self, *, silent_seconds: float, in_touch_since: float) -> list[ProcessId]:
        """Processes that were not heard of for so long, or are gone from this machine.

        Also those that hold a run and are not registered any more. Silence counts only from
        `in_touch_since`, on the steady clock: before that nobody might have been heard.
        """
        asked_at = self._clock.steady()
        known, unregistered = await self._database.read(_known)
        self._pulses.note({row.id: row.heartbeat_at for row in known}, self._clock.steady())
        silent_since = asked_at - silent_seconds

        def is_dead(row: AnyRow) -> bool:
            heard_at = max(self._pulses.heard_at(row.id), in_touch_since)
            return heard_at <= silent_since or self._is_gone(row)

        return [*(row.id for row in known if is_dead(row)), *unregistered]

    async def living(self, kind: str, *, silent_seconds: float) -> list[ProcessId]:
        """Processes of that kind that were heard of within so long and are not gone."""
        since = self._since(silent_seconds)
        query = select(processes).where(processes.c.kind == kind)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [row.id for row in rows if row.heartbeat_at >= since and not self._is_gone(row)]

    async def rescue(
        self, process_ids: Collection[ProcessId], resumes: Callable[[JobId], bool] = never
    ) -> list[Run]:
        """Close the runs of dead processes as FAILED, and forget the processes.

        Those that are to be canceled end CANCELED: who asked was promised that. Those whose job
        `resumes` are QUEUED again, unless they were rescued 3 times. Runs that were reserved for
        the dead end too: nobody else would claim them. From then on every write of such a process
        is refused by its fence.
        """
        now = self._clock.now()

        def rescue(connection: Connection) -> list[Run]:
            held = select(*RUN_COLUMNS).where(_held_by(process_ids)).with_for_update()
            runs = [as_run(row) for row in connection.execute(held)]
            again = resumable(connection, [run for run in runs if resumes(run.job_id)])
            requeue_lost(connection, again, now)
            self._end(connection, [run for run in runs if run.id not in again], now)
            connection.execute(delete(processes).where(processes.c.id.in_(process_ids)))
            rescued = select(*RUN_COLUMNS).where(job_runs.c.id.in_([run.id for run in runs]))
            return [as_run(row) for row in connection.execute(rescued.order_by(job_runs.c.id))]

        return await self._database.write(rescue)

    def _end(self, connection: Connection, runs: Sequence[Run], now: datetime) -> None:
        by_ending: dict[Ending, list[RunId]] = defaultdict(list)
        for run in runs:
            by_ending[_ending(run)].append(run.id)
        for ending, run_ids in by_ending.items():
            end_runs(connection, run_ids, ending, now)
        self._on_end(connection, [run.id for run in runs])

    def _since(self, silent_seconds: float) -> datetime:
        return self._clock.now() - timedelta(seconds=silent_seconds)

    def _is_gone(self, row: AnyRow) -> bool:
        """Whether it lived on this machine, and does not any more."""
        is_here = (row.host, row.boot_id) == (self._place.host, self._place.boot_id)
        return is_here and not self._is_alive(row.pid)


def _known(connection: Connection) -> tuple[Sequence[AnyRow], list[ProcessId]]:
    """The registered processes, and who holds a run without being registered."""
    registered = REGISTERED.run(connection, {}).all()
    holders = UNREGISTERED_HOLDERS.run(connection, {}).scalars()
    return registered, [ProcessId(holder) for holder in holders]


def _ending(run: Run) -> Ending:
    if run.cancel_requested_by is None:
        return Ending(RunState.FAILED, LOST)
    return Ending(RunState.CANCELED, str(StopReason("cancel", run.cancel_requested_by)))


def _held_by(process_ids: Collection[ProcessId]) -> ColumnElement[bool]:
    run = job_runs.c
    return or_(
        and_(run.state == RunState.RUNNING, run.owner.in_(process_ids)),
        and_(run.state == RunState.QUEUED, run.reserved_for.in_(process_ids)),
    )


def _boot_id() -> str:
    """This boot of the machine, and the process namespace: a container sees its own pids alone."""
    parts = []
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
