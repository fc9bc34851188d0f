"""Group commit, clean reads, and what happens when the database goes away."""

import asyncio
import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text

from nomaflow.domain.secrets import Secret
from nomaflow.errors import NotFound, Refused, Unreachable
from nomaflow.history.database import Database
from nomaflow.history.transactions import Unit


def note(name: str) -> Unit[str]:
    """A unit that leaves one row."""

    def write(connection: Connection) -> str:
        connection.execute(
            text("INSERT INTO ly2_schedules (job_id, trigger_id) VALUES (:name, 'schedule')"),
            {"name": name},
        )
        return name

    return write


def broken(connection: Connection) -> str:
    note("never")(connection)
    raise LookupError("broken on purpose")


def names(connection: Connection) -> list[str]:
    rows = connection.execute(text("SELECT job_id FROM ly2_schedules ORDER BY job_id"))
    return list(rows.scalars())


class Gate:
    """A unit that holds the writer until it is opened, so that others gather behind it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, connection: Connection) -> None:
        note("gate")(connection)
        self.entered.set()
        assert self.opened.wait(20)


async def _held(database: Database) -> tuple[Gate, "asyncio.Task[None]"]:
    gate = Gate()
    holding = asyncio.create_task(database.write(gate))
    await asyncio.to_thread(gate.entered.wait, 20)
    return gate, holding


async def test_units_that_wait_share_one_transaction(database: Database) -> None:
    def transaction(connection: Connection) -> int:
        if connection.dialect.name == "sqlite":
            return id(connection)
        return int(connection.execute(text("SELECT txid_current()")).scalar_one())

    gate, holding = await _held(database)
    waiting = [asyncio.create_task(database.write(transaction)) for _ in range(5)]
    await asyncio.sleep(0)
    gate.opened.set()
    assert len(set(await asyncio.gather(*waiting))) == 1
    await holding


async def test_one_broken_unit_hurts_nobody_else_in_its_group(database: Database) -> None:
    gate, holding = await _held(database)
    waiting = [asyncio.create_task(database.write(unit)) for unit in (note("a"), broken, note("b"))]
    await asyncio.sleep(0)
    gate.opened.set()
    first, failed, last = await asyncio.gather(*waiting, return_exceptions=True)
    assert (first, last) == ("a", "b")
    assert isinstance(failed, LookupError)
    assert await database.read(names) == ["a", "b", "gate"]
    await holding


async def test_a_unit_whose_caller_went_away_before_its_turn_is_not_done(
    database: Database,
) -> None:
    gate, holding = await _held(database)
    waiting = asyncio.create_task(database.write(note("unwanted")))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    gate.opened.set()
    await holding
    assert await database.read(names) == ["gate"]


async def test_a_read_is_clean_and_does_not_wait_while_a_write_runs(database: Database) -> None:
    await database.write(note("before"))
    gate, holding = await _held(database)
    assert await database.read(names) == ["before"]
    gate.opened.set()
    await holding
    assert await database.read(names) == ["before", "gate"]


async def test_closing_commits_what_waits_and_refuses_what_comes_after(store_url: str) -> None:
    database = Database.open(store_url)
    await database.migrate()
    gate, holding = await _held(database)
    last = asyncio.create_task(database.write(note("last")))
    await asyncio.sleep(0)
    closing = asyncio.create_task(database.close())
    gate.opened.set()
    await asyncio.gather(holding, last, closing)
    with pytest.raises(Refused, match="closed"):
        await database.write(note("after"))
    with pytest.raises(Refused, match="closed"):
        await database.read(names)
    again = Database.open(store_url)
    assert await again.read(names) == ["gate", "last"]
    await again.close()


async def test_a_reader_cannot_write(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/history.db")
    await database.migrate()
    with pytest.raises(Unreachable, match="readonly"):
        await database.read(note("x"))
    await database.close()


async def test_sqlite_keeps_every_commit_and_its_foreign_keys(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/history.db")
    asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")

    def settings(connection: Connection) -> list[object]:
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]

    assert await database.write(settings) == ["wal", 2, 1, 30_000]
    await database.close()


async def test_nobody_waits_forever_on_postgresql(postgresql_url: str) -> None:
    database = Database.open(postgresql_url)
    asked = ("lock_timeout", "idle_in_transaction_session_timeout")

    def settings(connection: Connection) -> list[object]:
        return [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in asked]

    assert await database.write(settings) == ["5s", "10s"]
    await database.close()


async def test_a_missing_folder_is_told_with_what_to_do(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/nowhere/history.db")
    with pytest.raises(Unreachable, match=r"nowhere/history\.db.*folder exists"):
        await database.migrate()
    await database.close()


async def test_a_server_that_does_not_answer_is_named_without_the_password() -> None:
    url = "postgresql://anna@127.0.0.1:1/history"
    database = Database.open(url, password=Secret("s3cr3t-canary"))
    with pytest.raises(Unreachable) as caught:
        await database.write(names)
    told = str(caught.value)
    assert "postgresql://anna@127.0.0.1:1/history" in told
    assert "pool 'default' in connectors.toml" in told
    assert "s3cr3t-canary" not in told
    await database.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [("mongodb://h/x", NotFound), ("not a url", Refused), ("sqlite://", Refused)],
)
def test_a_url_that_names_no_store_is_refused(url: str, expected: type[Exception]) -> None:
    with pytest.raises(expected, match="'default'"):
        Database.open(url)


def _end_sessions_of(url: str, condition: str) -> None:
    ending = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {condition}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ending)


async def test_lost_connections_are_replaced(postgresql_url: str) -> None:
    database = Database.open(postgresql_url)
    await database.migrate()
    await database.write(note("before"))
    await database.read(names)
    _end_sessions_of(postgresql_url, "application_name = 'nomaflow'")
    await database.write(note("later"))
    assert await database.read(names) == ["before", "later"]
    await database.close()


async def test_a_unit_whose_connection_breaks_is_done_again_once(postgresql_url: str) -> None:
    database = Database.open(postgresql_url)
    await database.migrate()
    tries = []

    def break_once(connection: Connection) -> None:
        tries.append(len(tries))
        note("once")(connection)
        if len(tries) == 1:
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    await database.write(break_once)
    assert await database.read(names) == ["once"]
    assert len(tries) == 2
    await database.close()


async def test_a_commit_that_may_have_happened_is_not_repeated(postgresql_url: str) -> None:
    database = Database.open(postgresql_url)
    await database.migrate()
    tries = []

    def break_before_the_commit(connection: Connection) -> None:
        tries.append(len(tries))
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        _end_sessions_of(postgresql_url, f"pid = {pid}")

    with pytest.raises(Unreachable, match="Look whether the change is there"):
        await database.write(break_before_the_commit)
    assert len(tries) == 1
    await database.close()
