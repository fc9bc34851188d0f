"""Remembers in the target which appends it holds, so that a second attempt adds nothing.

A receipt is written in the append's own transaction. Run ids start again in a new store, so a
receipt counts for the run that also began at the same instant.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from nomaflow.connectors.copies import Target
from nomaflow.connectors.tables import TableName

TABLE = "nomaflow_receipts"
_DEFINITION = (
    "receipt VARCHAR(255) NOT NULL, started_at VARCHAR(255) NOT NULL, target TEXT NOT NULL,"
    " added_rows BIGINT NOT NULL, PRIMARY KEY (receipt, started_at)"
)
_KEPT = timedelta(days=90)


@dataclass(frozen=True)
class ReceiptKey:
    """Which step of which run: `run_id:step index`, and when that run began."""

    key: str
    started_at: datetime


class Receipts:
    """The receipts of one schema."""

    def __init__(self, target: Target, schema: str | None) -> None:
        self._target = target
        self._name = TableName(TABLE, schema)
        self._table = target.reference(self._name)

    def rows_of(self, key: ReceiptKey) -> int | None:
        """How many rows that append added; None when it did not happen."""
        if self._target.table(self._name) is None:
            return None
        row = self._target.row(
            f"SELECT added_rows FROM {self._table} WHERE {self._is_it()}",  # noqa: S608 - ours
            [key.key, key.started_at.isoformat()],
        )
        return int(row[0]) if row else None

    def write(self, key: ReceiptKey, table: TableName, rows: int) -> None:
        """Note an append of so many rows, again after one that did not come to its end."""
        self._target.make(self._name, _DEFINITION)
        self._target.execute(
            f"DELETE FROM {self._table} WHERE {self._is_it()}",  # noqa: S608 - ours
            [key.key, key.started_at.isoformat()],
        )
        places = ", ".join(self._target.place(number) for number in range(1, 5))
        self._target.execute(
            f"INSERT INTO {self._table} (receipt, started_at, target, added_rows)"  # noqa: S608
            f" VALUES ({places})",
            [key.key, key.started_at.isoformat(), str(table), rows],
        )
        self._target.execute(
            f"DELETE FROM {self._table} WHERE started_at < {self._target.place(1)}",  # noqa: S608
            [(key.started_at - _KEPT).isoformat()],
        )

    def _is_it(self) -> str:
        return f"receipt = {self._target.place(1)} AND started_at = {self._target.place(2)}"
