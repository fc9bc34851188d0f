"""The store of everything that must be remembered: an SQLite file or a PostgreSQL database."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from nomaflow.domain.secrets import Secret
from nomaflow.errors import Refused
from nomaflow.history.schema import is_current, upgrade
from nomaflow.history.stores.base import READERS, Store
from nomaflow.history.stores.registry import store_of
from nomaflow.history.transactions import Transactions, Unit
from nomaflow.history.writer import Writer

T = TypeVar("T")

READ_PAUSES = (0.0, 0.5)


class Database:
    """Runs units, plain functions of a connection, in threads: one that writes, a few that read.

    A unit may be run twice, so it must do nothing but SQL. A unit that has begun is not undone
    when the task that waits for it is cancelled.
    """

    def __init__(self, store: Store, url: URL) -> None:
        self.store = store
        self._writer = Writer(Transactions(store, url, writing=True))
        self._reading = Transactions(store, url, writing=False)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="history-reader")
        self._closing = threading.Event()
        self._commits = store.commits(url)

    @classmethod
    def open(cls, url: str, *, password: Secret | None = None) -> Self:
        """Make the store at `url`, `sqlite:////path` or `postgresql://user@host/name`.

        It connects when first used. Raises Refused or NotFound for a URL that names no store.
        """
        parsed = _parsed(url)
        if password is not None:
            parsed = parsed.set(password=password.reveal())
        return cls(store_of(parsed), parsed)

    async def write(self, unit: Unit[T]) -> T:
        """The unit's result, once it is committed; on an exception nothing of it is left.

        Units of several callers share a commit. Raises Unreachable when the database is away.
        """
        result: T = await self._writer.submit(unit)
        return result

    async def read(self, unit: Unit[T]) -> T:
        """The unit's result, from what is committed. Raises Unreachable."""
        if self._closing.is_set():
            raise Refused("The store is closed; nothing was read.")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._readers, self._reading.run_patiently, unit, READ_PAUSES, self._closing
        )

    def commits(self) -> int | None:
        """Another number after any commit of any process; None where only a look can tell.

        For the event loop's thread: it takes a few microseconds, and never waits.
        """
        return None if self._commits is None else self._commits.count()

    async def migrate(self) -> None:
        """Bring the tables up to date; several processes may do so at once.

        Raises Refused when the store was written by a newer Nomaflow, Unreachable when it is away.
        """
        if not await self.read(is_current):
            await self.write(lambda connection: upgrade(connection, self.store))

    async def close(self) -> None:
        """Commit what waits, then give every connection back. May be called twice."""
        self._closing.set()
        if self._commits is not None:
            self._commits.close()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        self._readers.shutdown()
        self._reading.close()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Refused(
            "The URL of pool 'default' cannot be read; write it as in "
            "postgresql://user@host:5432/name or sqlite:///data/nomaflow.db."
        ) from None
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise Refused(
            "The history needs a file: give pool 'default' a URL such as sqlite:///data/nomaflow.db."
        )
    return parsed
