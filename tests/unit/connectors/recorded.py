"""A driver that records: it takes what the real one's signatures take, and answers from a script.

There is no Oracle and no SQL Server to test against. So that the double cannot drift, each call is
bound to the signature of the installed driver's method, and each attribute must exist there.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from nomaflow.clock import SystemClock
from nomaflow.connectors.base import ResolvedPool
from nomaflow.connectors.dialects.sqlite.dialect import SqliteDialect
from nomaflow.connectors.tables import TableName
from nomaflow.copying.copy import copy
from nomaflow.copying.order import Order, Selection, Watch
from nomaflow.copying.plan import Mode, Request
from nomaflow.copying.receipt import ReceiptKey
from nomaflow.copying.side import Side
from nomaflow.runner.hosts.cancellation import Cancellation

Answers = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]


class Double:
    """What may be called and set is what the real class has."""

    _real: type
    _own = frozenset({"_session", "_rows", "_errors", "description", "rowcount", "closed"})

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
    written: list[tuple[Any, ...]] = field(default_factory=list)
    sizes: list[Any] = field(default_factory=list)

    def take(self, batches: Any) -> int:
        """Record batches, kept as rows."""
        before = len(self.written)
        for batch in batches:
            self.written += [tuple(row.values()) for row in batch.to_pylist()]
        return len(self.written) - before

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
            self._errors: list[Any] = []
            self.rowcount = 0
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

        def fetchone(self) -> tuple[Any, ...] | None:
            self._bind("fetchone")
            return self._rows.pop(0) if self._rows else None

        def setinputsizes(self, *sizes: Any) -> None:
            self._bind("setinputsizes", *sizes)
            session.sizes = list(sizes)

        def executemany(self, statement: str, rows: Any, **named: Any) -> None:
            """The answer to it may be errors, one for each row that is refused."""
            self._bind("executemany", statement, rows, **named)
            session.said.append(statement)
            self._errors = answers(statement, rows)
            session.written += rows
            self.rowcount = len(rows)

        def getbatcherrors(self) -> list[Any]:
            self._bind("getbatcherrors")
            return self._errors

        def bulkcopy_arrow(self, table: str, batches: Any, **named: Any) -> dict[str, int]:
            self._bind("bulkcopy_arrow", table, batches, **named)
            session.said.append(f"bulk {table} {named}")
            answers(session.said[-1], ())
            return {"rows_copied": session.take(batches)}

        def var(self, kind: Any) -> Any:
            self._bind("var", kind)
            return SimpleNamespace(getvalue=lambda: 0)

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

        @property
        def thin(self) -> bool:
            assert hasattr(self._real, "thin")
            return True

        def direct_path_load(self, **named: Any) -> None:
            self._bind("direct_path_load", **named)
            batch = named.pop("data")
            session.said.append(f"direct {named}")
            session.take([batch])

        def commit(self) -> None:
            self._bind("commit")
            session.said.append("commit")

        def rollback(self) -> None:
            self._bind("rollback")
            session.said.append("rollback")

    return Connection(), session


def copied_into(dialect: Any, connection: Any, file: Path, order: Order) -> Any:
    """Copy from a SQLite file into the double; returns the step's output."""
    cancellation = Cancellation()
    pool = ResolvedPool("source", f"sqlite:///{file}")
    reading = Side("source", SqliteDialect(), pool, cancellation.on_cancel, cancellation.is_asked)
    watch = Watch(print, lambda *_: None, cancellation.is_asked, SystemClock())
    return copy(order, reading, _side(dialect, connection, cancellation), watch)  # type: ignore[arg-type]


def order_of(mode: Mode, target: str, **more: Any) -> Order:
    """A copy of table `t`."""
    return Order(
        selection=Selection(TableName("t")),
        request=Request(mode, TableName(target)),
        batch_size=100,
        receipt=ReceiptKey("1:0", SystemClock().now()),
        **more,
    )


def _side(dialect: Any, connection: Any, cancellation: Cancellation) -> SimpleNamespace:
    @contextmanager
    def opened() -> Iterator[Any]:
        yield connection

    return SimpleNamespace(
        name="erp",
        dialect=dialect,
        connection=opened,
        errors=nullcontext,
        on_cancel=cancellation.on_cancel,
    )


def copied(dialect: Any, connection: Any, file: Path, table: str = "T", **order: Any) -> Any:
    """Copy a table from the double into a SQLite file; returns the step's output."""
    cancellation = Cancellation()
    pool = ResolvedPool("target", f"sqlite:///{file}")
    writing = Side("target", SqliteDialect(), pool, cancellation.on_cancel, cancellation.is_asked)
    watch = Watch(print, lambda *_: None, cancellation.is_asked, SystemClock())
    wanted = Order(
        selection=Selection(TableName(table), **order),
        request=Request("overwrite", TableName("t")),
        batch_size=100,
        receipt=ReceiptKey("1:0", SystemClock().now()),
    )
    return copy(wanted, _side(dialect, connection, cancellation), writing, watch)  # type: ignore[arg-type]
