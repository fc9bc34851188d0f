"""A driver that records: it takes what the real one's signatures take, and answers from a script.

There is no Oracle and no SQL Server to test against. So that the double cannot drift, each call is
bound to the signature of the installed driver's method, and each attribute must exist there.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from nomaflow.clock import SystemClock
from nomaflow.connectors.base import ResolvedPool
from nomaflow.connectors.dialects.sqlite.dialect import SqliteDialect
from nomaflow.connectors.tables import TableName
from nomaflow.copying.copy import copy
from nomaflow.copying.order import Order, Selection, Watch
from nomaflow.copying.plan import Request
from nomaflow.copying.receipt import ReceiptKey
from nomaflow.copying.side import Side
from nomaflow.runner.hosts.cancellation import Cancellation

Answers = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]


class Double:
    """What may be called and set is what the real class has."""

    _real: type
    _own = frozenset({"_session", "_rows", "description", "rowcount", "closed"})

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in self._own or hasattr(self._real, name), f"the driver has no {name}"
        object.__setattr__(self, name, value)
        if name not in self._own:
            self._session.said.append(f"{name} = {value!r}")

    def _bind(self, name: str, *args: Any, **named: Any) -> None:
        inspect.signature(getattr(self._real, name)).bind(self, *args, **named)


@dataclass
class Session:
    """What was said to the driver, and its answers."""

    answers: Answers
    said: list[str]

    def statements(self, beginning: str) -> list[str]:
        return [" ".join(text.split()) for text in self.said if text.startswith(beginning)]


def doubles(connection: type, cursor: type, answers: Answers) -> tuple[Any, Session]:
    """A connection of that driver, and its record."""
    session = Session(answers, [])

    class Cursor(Double):
        _real = cursor

        def __init__(self) -> None:
            self._session = session
            self._rows: list[tuple[Any, ...]] = []
            self.description: Any = None

        def __enter__(self) -> "Cursor":
            assert hasattr(self._real, "__enter__")
            return self

        def __exit__(self, *_: object) -> None:
            self.close()

        def execute(self, statement: str, parameters: Any = (), **named: Any) -> "Cursor":
            self._bind("execute", statement, parameters, **named)
            session.said.append(statement.strip())
            self._rows = list(answers(statement, parameters))
            return self

        def fetchall(self) -> list[tuple[Any, ...]]:
            self._bind("fetchall")
            rows, self._rows = self._rows, []
            return rows

        def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
            self._bind("fetchmany", size)
            rows, self._rows = self._rows[:size], self._rows[size:]
            return rows

        def close(self) -> None:
            self._bind("close")

    class Connection(Double):
        _real = connection

        def __init__(self) -> None:
            self._session = session

        def cursor(self) -> Cursor:
            self._bind("cursor")
            return Cursor()

        def commit(self) -> None:
            self._bind("commit")
            session.said.append("commit")

        def rollback(self) -> None:
            self._bind("rollback")
            session.said.append("rollback")

    return Connection(), session


def copied(dialect: Any, connection: Any, file: Path, table: str = "T", **order: Any) -> Any:
    """Copy a table from the double into a SQLite file; returns the step's output."""
    cancellation = Cancellation()

    @contextmanager
    def opened() -> Iterator[Any]:
        yield connection

    @contextmanager
    def errors() -> Iterator[None]:
        yield

    reading = SimpleNamespace(
        name="erp",
        dialect=dialect,
        connection=opened,
        errors=errors,
        on_cancel=cancellation.on_cancel,
    )
    pool = ResolvedPool("target", f"sqlite:///{file}")
    writing = Side("target", SqliteDialect(), pool, cancellation.on_cancel, cancellation.is_asked)
    watch = Watch(print, lambda *_: None, cancellation.is_asked, SystemClock())
    wanted = Order(
        selection=Selection(TableName(table), **order),
        request=Request("overwrite", TableName("t")),
        batch_size=100,
        receipt=ReceiptKey("1:0", SystemClock().now()),
    )
    return copy(wanted, reading, writing, watch)  # type: ignore[arg-type]
