"""Transactions of one engine: begun, committed, and what may be tried again told apart."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError

from nomaflow.errors import Unreachable
from nomaflow.history.stores.base import Store

T = TypeVar("T")
Unit = Callable[[Connection], T]


class NotDone(Unreachable):
    """The transaction did not happen; `is_passing` when another try may well succeed."""

    def __init__(self, message: str, *, is_passing: bool) -> None:
        super().__init__(message)
        self.is_passing = is_passing


class NotBegun(NotDone):
    """Not even a transaction could begin: no other will, for now."""


class MaybeDone(Unreachable):
    """The connection broke during the commit: it may have happened, and is not repeated."""


class Transactions:
    """Runs units, functions of a connection that are safe to run twice, in transactions."""

    def __init__(self, store: Store, url: URL, *, writing: bool) -> None:
        self._store = store
        self._place = url.set(query={})._replace(password=None).render_as_string()
        self._writing = writing
        self._engine = store.engine(url, writing=writing)
        self._has_answered = False

    def run(self, units: Sequence[Unit[T]]) -> list[T]:
        """All units in one transaction; their results. A unit that raises undoes them all."""
        with self._transaction() as connection:
            return [unit(connection) for unit in units]

    def run_patiently(self, unit: Unit[T], pauses: Sequence[float], closing: threading.Event) -> T:
        """One unit in its transaction, tried again after each pause while that can help.

        A database that has never answered is not waited for; `closing` ends the waiting.
        """
        for pause in pauses:
            try:
                return self.run([unit])[0]
            except NotDone as error:
                if not error.is_passing or closing.wait(pause):
                    raise
        return self.run([unit])[0]

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        begun = committing = False
        try:
            with self._engine.begin() as connection:
                begun = self._has_answered = True
                yield connection
                committing = True
        except DBAPIError as error:
            if not _is_trouble(error):
                raise
            if committing and self._writing and error.connection_invalidated:
                raise MaybeDone(self._unknown()) from error
            kind = NotDone if begun else NotBegun
            raise kind(self._cannot(error), is_passing=self._is_passing(error)) from error

    def _is_passing(self, error: DBAPIError) -> bool:
        return self._has_answered and self._store.is_passing(error)

    def _cannot(self, error: DBAPIError) -> str:
        cause = str(error.orig).strip().partition("\n")[0]
        return f"Cannot use the store {self._place}: {cause}. {self._store.advice}"

    def _unknown(self) -> str:
        return (
            f"The connection to the store {self._place} broke while it was saving. "
            "Look whether the change is there before you repeat it."
        )


def _is_trouble(error: DBAPIError) -> bool:
    """Trouble of the database itself, not of what was asked of it; a damaged file is that too."""
    is_damage = type(error) is DatabaseError
    return (
        is_damage
        or error.connection_invalidated
        or isinstance(error, OperationalError | InterfaceError)
    )
