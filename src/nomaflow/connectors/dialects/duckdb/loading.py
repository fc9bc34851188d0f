"""Writes Arrow record batches into a DuckDB table (the extra `arrow`)."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import duckdb

from nomaflow.connectors.copies import Moved, Transfer, Unsuited
from nomaflow.connectors.dialects.duckdb.expressions import message, quote
from nomaflow.connectors.tables import Column, Kind

_BATCH: Final = "nomaflow_batch"
_SUBSECOND_DIGITS: Final = 6


class Batches(Protocol):
    """Where they come from."""

    def opened(self, transfer: Transfer) -> AbstractContextManager[Any]:
        """The batches, whose columns are those of the target, in its order."""


def refuse(transfer: Transfer) -> None:
    """Raises Unsuited for a type that would round what it is given."""
    for column in transfer.targets:
        kind, size = column.type.kind, column.type.size
        rounds = kind in {Kind.TIME, Kind.TIMESTAMP} and size != _SUBSECOND_DIGITS
        if rounds or (kind is Kind.FLOAT and size == 32):
            raise Unsuited(f"column '{column.name}' is {column.type.native}")


@dataclass(frozen=True)
class Loading:
    """Appends what `batches` gives to the stash; `item` is the SQL that a column's values need."""

    batches: Batches
    target: duckdb.DuckDBPyConnection
    stash: str
    item: Callable[[Column], str]

    def run(self, transfer: Transfer, arrived: Callable[[int], None]) -> Moved:
        """Raises Unsuited for a value that DuckDB does not take."""
        items = ", ".join(map(self.item, transfer.targets))
        sql = f"INSERT INTO {self.stash} SELECT {items} FROM {_BATCH}"  # noqa: S608 - quoted
        read = written = size = 0
        with self.batches.opened(transfer) as found:
            for batch in found:
                written += self._append(batch, sql)
                read += batch.num_rows
                size += batch.nbytes
                arrived(batch.num_rows)
        return Moved(read, written, size)

    def _append(self, batch: Any, sql: str) -> int:
        self.target.register(_BATCH, batch)
        try:
            return int(self.target.execute(sql).rowcount)
        except (duckdb.DataError, duckdb.InvalidInputException) as error:
            raise Unsuited(message(error)) from error
        finally:
            self.target.unregister(_BATCH)


def of_any(column: Column) -> str:
    """From batches of another database, where a UUID is 16 bytes."""
    name = quote(column.name)
    return f"CAST(hex({name}) AS UUID)" if column.type.kind is Kind.UUID else name


def of_duckdb(column: Column) -> str:
    """From batches in DuckDB's own form."""
    return quote(column.name)
