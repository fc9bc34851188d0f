"""The one thread that writes: every waiting unit goes into one transaction, one commit."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from nomaflow.errors import Refused
from nomaflow.history.transactions import MaybeDone, NotBegun, Transactions, Unit

MOST_TOGETHER = 500
PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0, 4.0)


@dataclass(frozen=True)
class Write:
    """A unit that waits for its commit, and where its result goes."""

    unit: Unit[Any]
    done: asyncio.Future[Any]


@dataclass(frozen=True)
class Settled:
    """What became of a write: its result, or the error that left nothing of it."""

    write: Write
    result: Any = None
    error: Exception | None = None

    def tell(self) -> None:
        """On the loop of who waits; a wait that was cancelled hears nothing."""
        if self.write.done.done():
            return
        if self.error is not None:
            self.write.done.set_exception(self.error)
        else:
            self.write.done.set_result(self.result)


class Writer:
    """Group commit: the more units wait, the less each costs.

    If the group fails it is undone, and each unit is done again in a transaction of its own, so
    that one broken unit hurts nobody else.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._waiting: SimpleQueue[Write | None] = SimpleQueue()
        self._closing = threading.Event()
        self._gate = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name="history-writer", daemon=True)
        self._thread.start()

    def submit(self, unit: Unit[Any]) -> asyncio.Future[Any]:
        """Queue a unit; the future, of the running loop, has its result once it is committed."""
        write = Write(unit, asyncio.get_running_loop().create_future())
        with self._gate:
            if self._closing.is_set():
                raise Refused("The store is closed; nothing was written.")
            self._waiting.put(write)
        return write.done

    def close(self) -> None:
        """Commit what waits, then end the thread. May be called twice."""
        with self._gate:
            if not self._closing.is_set():
                self._closing.set()
                self._waiting.put(None)
        self._thread.join()
        self._transactions.close()

    def _serve(self) -> None:
        while (first := self._waiting.get()) is not None:
            self._commit(
                [write for write in self._with_waiting(first) if not write.done.cancelled()]
            )

    def _with_waiting(self, first: Write) -> list[Write]:
        together = [first]
        while len(together) < MOST_TOGETHER:
            try:
                write = self._waiting.get_nowait()
            except Empty:
                break
            if write is None:
                self._waiting.put(None)
                break
            together.append(write)
        return together

    def _commit(self, writes: Sequence[Write]) -> None:
        if len(writes) > 1 and self._commit_together(writes):
            return
        self._commit_each(writes)

    def _commit_together(self, writes: Sequence[Write]) -> bool:
        """Whether all of them are settled."""
        try:
            results = self._transactions.run([write.unit for write in writes])
        except MaybeDone as error:
            _tell(Settled(write, error=error) for write in writes)
            return True
        except Exception:  # noqa: BLE001  # whichever unit broke: each is done again, alone
            return False
        _tell(map(Settled, writes, results))
        return True

    def _commit_each(self, writes: Sequence[Write]) -> None:
        for position, write in enumerate(writes):
            try:
                result = self._transactions.run_patiently(write.unit, PAUSES, self._closing)
            except NotBegun as error:
                _tell(Settled(left, error=error) for left in writes[position:])
                return
            except Exception as error:  # noqa: BLE001  # it is the waiting caller's to handle
                _tell([Settled(write, error=error)])
            else:
                _tell([Settled(write, result)])


def _tell(settled: Iterable[Settled]) -> None:
    """Wake each event loop once, however many of its callers wait."""
    by_loop = defaultdict(list)
    for each in settled:
        by_loop[each.write.done.get_loop()].append(each)
    for loop, of_loop in by_loop.items():
        with suppress(RuntimeError):  # the loop was closed: nobody waits there any more
            loop.call_soon_threadsafe(_tell_all, of_loop)


def _tell_all(settled: Sequence[Settled]) -> None:
    for each in settled:
        each.tell()
