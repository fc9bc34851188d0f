"""The one thread that writes: every waiting unit goes into one transaction, one commit."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from nomaflow.errors import Refused, Unreachable
from nomaflow.history.transactions import MaybeDone, NotBegun, Transactions, Unit

MOST_TOGETHER = 500
PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0, 4.0)


@dataclass(frozen=True)
class Write:
    """A unit that waits for its commit, and where its result goes."""

    unit: Unit[Any]
    done: Future[Any] = field(default_factory=Future)


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

    def submit(self, unit: Unit[Any]) -> Future[Any]:
        """Queue a unit; the future has its result once it is committed."""
        write = Write(unit)
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
            self._commit([write for write in self._with_waiting(first) if _still_wanted(write)])

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
            _fail(writes, error)
            return True
        except Exception:  # noqa: BLE001  # whichever unit broke: each is done again, alone
            return False
        for write, result in zip(writes, results, strict=True):
            write.done.set_result(result)
        return True

    def _commit_each(self, writes: Sequence[Write]) -> None:
        for position, write in enumerate(writes):
            try:
                result = self._transactions.run_patiently(write.unit, PAUSES, self._closing)
            except NotBegun as error:
                _fail(writes[position:], error)
                return
            except Exception as error:  # noqa: BLE001  # it is the waiting caller's to handle
                write.done.set_exception(error)
            else:
                write.done.set_result(result)


def _still_wanted(write: Write) -> bool:
    return write.done.set_running_or_notify_cancel()


def _fail(writes: Sequence[Write], error: Unreachable) -> None:
    for write in writes:
        write.done.set_exception(error)
