"""The store: whether it answers and is whole, who shares it, and runs that nobody executes."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, make_url, select, text

from nomaflow.app import App
from nomaflow.catalogue.model import STORE
from nomaflow.cli.doctor.finding import Finding, away, warning, wrong
from nomaflow.domain.states import RunState
from nomaflow.errors import NomaflowError, Unreachable
from nomaflow.history.schema import is_current
from nomaflow.history.tables import job_runs, processes

LARGE_WAL_BYTES = 512 * 2**20
WAITS_LONG = timedelta(minutes=10)
MOST_SKEW = timedelta(seconds=5)


@dataclass(frozen=True)
class Life:
    """Who is registered, how many runs each executes, and runs that wait for somebody."""

    processes: Sequence[Any]
    held: dict[str | None, int]
    waiting: int


async def look_at_store(app: App) -> AsyncIterator[Finding]:
    """The store as it is; nothing is written, no table is made."""
    try:
        url = make_url(app.connections.pool(STORE).url)
    except NomaflowError as error:
        yield wrong("store", str(error), "Correct pool 'default' in connectors.toml.")
        return
    file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    if file is not None and not _size(file):
        yield Finding("store", f"{file} is not there yet: the first start makes it")
        return
    try:
        async for finding in _opened(app, file):
            yield finding
    finally:
        await app.database.close()


async def _opened(app: App, file: Path | None) -> AsyncIterator[Finding]:
    began = app.clock.steady()
    try:
        is_up_to_date = await app.database.read(is_current)
        took = app.clock.steady() - began
        yield Finding("store", f"{app.database.store.name} answers in {took * 1000:.0f} ms")
        looks = _sqlite(app, file) if file else _postgresql(app)
        async for finding in looks:
            yield finding
        if not is_up_to_date:
            advice = "The next start of 'nomaflow serve' brings them up to date; make a backup."
            yield warning("store", "its tables are not those of this version", advice)
            return
        life = await app.database.read(lambda connection: _life(connection, app.clock.now()))
        for finding in _living(app, life):
            yield finding
    except Unreachable as error:
        yield away("store", str(error), "Start the database, or correct pool 'default'.")
    except NomaflowError as error:
        yield wrong("store", str(error), "Use the version of Nomaflow that made the store.")


async def _sqlite(app: App, file: Path) -> AsyncIterator[Finding]:
    mode = await app.database.read(
        lambda connection: connection.scalar(text("PRAGMA journal_mode"))
    )
    if mode != "wal":
        advice = "It is set at each start; a network file system does not take it: move the store."
        yield warning("store", f"{file.name} is in journal mode '{mode}', not 'wal'", advice)
    wal = file.with_name(f"{file.name}-wal")
    if _size(wal) > LARGE_WAL_BYTES:
        what = f"{wal.name} has {_size(wal) / 2**20:.0f} MiB"
        yield warning(
            "store", what, "A reader keeps an old snapshot open: end programs that read it."
        )
    found = await app.database.read(
        lambda connection: connection.scalar(text("PRAGMA quick_check(1)"))
    )
    if found != "ok":
        advice = "Stop the service, keep a copy, and restore a backup ('sqlite3 FILE .recover')."
        yield wrong("store", f"{file} is damaged: {found}", advice)
    else:
        yield Finding("store", f"{file.name} is whole, {_size(file) / 2**20:.1f} MiB")


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


async def _postgresql(app: App) -> AsyncIterator[Finding]:
    def ask(connection: Connection) -> tuple[str, datetime]:
        query = select(func.current_setting("server_version"), func.clock_timestamp())
        row = connection.execute(query).one()
        return row[0], row[1]

    version, there = await app.database.read(ask)
    skew = abs(there - app.clock.now())
    what = f"PostgreSQL {version}, its clock is {skew.total_seconds():.1f} s off this one"
    if skew > MOST_SKEW:
        yield warning("store", what, "Let both machines keep time (chrony, systemd-timesyncd).")
    else:
        yield Finding("store", what)


def _life(connection: Connection, now: datetime) -> Life:
    by_owner = (
        select(job_runs.c.owner, func.count())
        .where(job_runs.c.state == RunState.RUNNING)
        .group_by(job_runs.c.owner)
    )
    due = func.coalesce(job_runs.c.not_before, job_runs.c.created_at)
    waiting = select(func.count()).where(
        job_runs.c.state == RunState.QUEUED, due < now - WAITS_LONG
    )
    return Life(
        processes=connection.execute(select(processes)).all(),
        held={row[0]: row[1] for row in connection.execute(by_owner)},
        waiting=connection.scalar(waiting) or 0,
    )


def _living(app: App, life: Life) -> Iterator[Finding]:
    now = app.clock.now()
    silence = timedelta(seconds=app.settings.runner.dead_after_seconds)
    living = [row for row in life.processes if now - row.heartbeat_at < silence]
    for row in life.processes:
        yield _process(row, life.held.get(row.id, 0), now, is_alive=row in living)
    if not any(row.kind == "server" for row in living):
        yield Finding("processes", "no server runs on this store")
    names = {row.id for row in living}
    lost = sum(count for owner, count in life.held.items() if owner not in names)
    if lost:
        advice = "A server ends or resumes them within a minute: start 'nomaflow serve'."
        yield warning("runs", f"{lost} runs are RUNNING and their process is gone", advice)
    if life.waiting:
        what = f"{life.waiting} runs have been QUEUED for more than 10 minutes"
        advice = (
            "Start 'nomaflow serve', or look at limits and overlap: 'nomaflow runs --state queued'."
        )
        yield warning("runs", what, advice)
    if not lost and not life.waiting:
        yield Finding("runs", f"{sum(life.held.values())} running, none stuck")


def _process(row: Any, runs: int, now: datetime, *, is_alive: bool) -> Finding:
    ago = (now - row.heartbeat_at).total_seconds()
    what = f"{row.kind} {row.pid} on {row.host}, heard of {max(ago, 0):.0f} s ago, {runs} runs"
    if ago < -MOST_SKEW.total_seconds():
        advice = "Set the clocks of both machines: they are apart, or this one stepped back."
        return warning("processes", f"{what}; its last sign of life is in the future", advice)
    if not is_alive:
        return warning("processes", f"{what}: silent", "The next server that starts forgets it.")
    return Finding("processes", what)
