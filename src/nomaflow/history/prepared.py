"""Statements that every run needs, compiled once: the driver gets their text and its values.

The usual way from a statement to the driver takes several times as long as SQLite takes to do it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    CompoundSelect,
    Connection,
    CursorResult,
    Delete,
    Dialect,
    Insert,
    Select,
    Update,
)
from sqlalchemy.sql.compiler import SQLCompiler

Processor = Callable[[Any], Any]
Statement = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]] | Insert | Update | Delete


class Prepared:
    """A statement whose text does not depend on its values; rows come as the driver gives them."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._known: WeakKeyDictionary[Dialect, dict[tuple[str, ...], _Driven]] = (
            WeakKeyDictionary()
        )

    def run(self, connection: Connection, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Execute it once. Values that are no parameters of its own are columns to be set."""
        driven = self._driven(connection, values)
        return connection.exec_driver_sql(driven.text, driven.parameters(values))

    def run_each(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it once for each of the rows, all of which have the same keys."""
        driven = self._driven(connection, rows[0])
        connection.exec_driver_sql(driven.text, [driven.parameters(row) for row in rows])

    def _driven(self, connection: Connection, values: Mapping[str, Any]) -> "_Driven":
        known = self._known.setdefault(connection.dialect, {})
        columns = tuple(values)
        if columns not in known:
            compiled = self._statement.compile(
                dialect=connection.dialect, column_keys=list(columns)
            )
            known[columns] = _Driven(compiled, connection.dialect)
        return known[columns]


class _Driven:
    """A statement in the words of one driver."""

    def __init__(self, compiled: Any, dialect: Dialect) -> None:
        self._compiled: SQLCompiler = compiled
        self.text = str(compiled)
        self._order: Sequence[str] | None = compiled.positiontup if compiled.positional else None
        self._processors: dict[str, Processor] = {
            name: processor
            for name, bind in compiled.binds.items()
            if (processor := bind.type.dialect_impl(dialect).bind_processor(dialect))
        }

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """The values as the driver takes them, in order or by name."""
        given = self._compiled.construct_params(values)
        for name, processor in self._processors.items():
            given[name] = processor(given[name])
        return given if self._order is None else tuple(given[name] for name in self._order)
