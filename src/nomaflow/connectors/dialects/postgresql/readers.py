"""Connections that read binary COPY streams, side by side, through asyncpg."""

import asyncio
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import asyncpg
import psycopg

from nomaflow.connectors.copies import SourceFailed, Unsuited
from nomaflow.connectors.dialects.postgresql.exact import REFUSED

READ_AHEAD: Final = 4
_CLOSE_SECONDS: Final = 3.0
_KEPT: Final = frozenset({"sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "options"})
_NOT_NEEDED: Final = frozenset(
    {
        *("host", "hostaddr", "port", "user", "dbname", "passfile"),
        *("connect_timeout", "client_encoding", "application_name", "fallback_application_name"),
        *("target_session_attrs", "load_balance_hosts", "tcp_user_timeout", "keepalives"),
        *("keepalives_idle", "keepalives_interval", "keepalives_count", "sslcertmode", "sslsni"),
    }
)
_SETTINGS: Final = {
    "application_name": "nomaflow",
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "extra_float_digits": "3",
    "lc_monetary": "C",
}


@dataclass(frozen=True)
class Address:
    """Where, and as whom, another connection of the source's kind is opened."""

    url: str
    password: str | None
    settings: Mapping[str, str]

    @classmethod
    def of(cls, connection: psycopg.Connection[Any]) -> "Address":
        """Raises Unsuited when asyncpg might not connect in the same way."""
        info = connection.info
        given = info.get_parameters()
        if odd := sorted(given.keys() - _KEPT - _NOT_NEEDED):
            raise Unsuited(f"the pool's address sets {', '.join(odd)}")
        parts = {name: given[name] for name in given.keys() & _KEPT if name != "options"}
        place = {"host": info.host, "port": info.port, "user": info.user, "dbname": info.dbname}
        options = {"options": given["options"]} if "options" in given else {}
        url = f"postgresql://?{urlencode({**place, **parts})}"
        return cls(url, info.password or None, {**_SETTINGS, **options})

    async def connect(self, snapshot: str) -> "asyncpg.Connection[Any]":
        """A connection that sees the snapshot. Raises Unsuited: the source's own was opened."""
        try:
            connection = await asyncpg.connect(
                self.url,
                password=self.password,
                server_settings=dict(self.settings),
                statement_cache_size=0,
            )
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
            raise Unsuited(f"a second connection to the source failed: {error}") from error
        try:
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        except asyncpg.PostgresError as error:
            connection.terminate()
            raise Unsuited(f"the source's snapshot cannot be shared: {error}") from error
        return connection


def exported_snapshot(connection: psycopg.Connection[Any]) -> str:
    """What lets another connection see what this one's transaction sees."""
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    return str(row[0]) if row else ""


class Readers:
    """A thread that copies queries out, each on its own connection, in one snapshot.

    `chunks()` gives whole rows at a time, with the number of their query; it waits for the
    slowest. They are binary, or CSV with the word `csv_null` for NULL. `stop()` may be called from
    any thread.
    """

    def __init__(
        self, address: Address, snapshot: str, queries: Sequence[str], csv_null: str | None = None
    ) -> None:
        self.pids: list[int] = []
        self.rows = 0
        self._address = address
        self._snapshot = snapshot
        self._queries = queries
        self._form = (
            {"format": "binary"} if csv_null is None else {"format": "csv", "null": csv_null}
        )
        self._ready: queue.Queue[tuple[int, bytes] | BaseException | None] = queue.Queue(READ_AHEAD)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Task[None] | None = None
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="copy reader")
        self._thread.start()

    def chunks(self) -> Iterator[tuple[int, bytes]]:
        """Raises SourceFailed with a psycopg error, whoever noticed it."""
        while (item := self._ready.get()) is not None:
            if isinstance(item, BaseException):
                raise as_failure(item) from item
            yield item

    def stop(self) -> None:
        """Cancel what the servers do; the chunks end with an error."""
        self._is_stopped = True
        with suppress(RuntimeError):  # the loop is closed already
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._cancel)

    def close(self) -> None:
        """Stop, and wait until the connections are gone."""
        self.stop()
        while self._thread.is_alive():
            with suppress(queue.Empty):
                self._ready.get(timeout=0.05)
        self._thread.join()

    def _cancel(self) -> None:
        if self._work is not None:
            self._work.cancel()

    def _run(self) -> None:
        end: BaseException | None = None
        try:
            with asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                self._loop.set_exception_handler(_unheard)
                runner.run(self._read_all())
        except BaseException as error:  # noqa: BLE001 - raised where the chunks are used
            end = error
        self._ready.put(end)

    async def _read_all(self) -> None:
        self._work = asyncio.current_task()
        if self._is_stopped:
            raise asyncio.CancelledError
        async with asyncio.TaskGroup() as group:
            for number, query in enumerate(self._queries):
                group.create_task(self._read(number, query))

    async def _read(self, number: int, query: str) -> None:
        async def put(chunk: bytes) -> None:
            self._ready.put((number, chunk))

        connection = await self._address.connect(self._snapshot)
        self.pids.append(connection.get_server_pid())
        try:
            done = await connection.copy_from_query(f"\n{query}\n", output=put, **self._form)
            self.rows += int(done.removeprefix("COPY "))
        finally:
            await _closed(connection)


async def _closed(connection: "asyncpg.Connection[Any]") -> None:
    """Cancels what still runs; after that the connection is good for nothing."""
    try:
        await connection.close(timeout=_CLOSE_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        connection.terminate()
    except asyncio.CancelledError:
        connection.terminate()
        raise


def _unheard(_: asyncio.AbstractEventLoop, __: object) -> None:
    """A cancelled connection may still hear from its server; nobody waits for that."""


def as_failure(error: BaseException) -> BaseException:
    """What ended a reader: a refusal, the source's failure in psycopg's words, or a bug."""
    match error:
        case BaseExceptionGroup():
            return as_failure(error.exceptions[0])
        case asyncio.CancelledError():
            return SourceFailed(psycopg.errors.QueryCanceled("the copy was stopped"))
        case asyncpg.PostgresError(sqlstate=str(state)):
            return _refused_or_failed(state, str(error))
        case asyncpg.InterfaceError() | OSError():
            return SourceFailed(psycopg.OperationalError(str(error)))
        case _:
            return error


def _refused_or_failed(state: str, message: str) -> SourceFailed | Unsuited:
    if state.startswith(REFUSED):
        return Unsuited(message)
    try:
        kind: type[psycopg.Error] = psycopg.errors.lookup(state)
    except KeyError:
        kind = psycopg.OperationalError
    return SourceFailed(kind(message))
