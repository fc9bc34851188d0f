"""The seam of the mirrors: what a dialect offers so that a table can follow a list from outside.

One connection. The list goes into a temporary table, `seen`, which locks nobody out; what then
changes other tables is one transaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import Column, ColumnType, Row, Rows, Table, TableName
from nomaflow.connectors.values import ColumnFunction


class Mirror(Protocol):
    """Fills `seen`, and brings tables in line with it."""

    def table(self, name: TableName) -> Table | None:
        """Facts of a table or view; None when there is none."""

    def parameters(self, statement: Statement, table: Table | None) -> Mapping[str, ColumnType]:
        """The type that a value for each of the statement's names has to be of.

        `table` is the one that it changes, where that is known.
        """

    def encode(self, declared: ColumnType) -> tuple[ColumnFunction, ...]:
        """From canonical values to what `write` takes for such a column."""

    def create_seen(
        self, columns: Sequence[Column], table: Table | None, key: Sequence[str]
    ) -> str:
        """Make the temporary table; returns how SQL refers to it.

        Its values compare as those in the columns of `table` that bear the same names, and its
        rows are looked for by `key`. Raises StepRefused when changes of `table` cannot be undone.
        """

    def write(self, rows: Rows) -> None:
        """Append to `seen`. Raises BadValue."""

    def begin(self) -> None:
        """Open the transaction that changes tables."""

    def seen(self) -> Iterator[Rows]:
        """What was written, again, in small lists and in a form that `run` takes."""

    def run(self, statement: Statement, names: Sequence[str], rows: Rows) -> int:
        """Execute the statement once for each row; returns how many rows it affected in all.

        `names` says, in lower case, which of the statement's names each value of a row is for.
        """

    def execute(self, sql: str) -> int:
        """Run a statement; returns how many rows it affected."""

    def select(self, sql: str) -> Iterator[Row]:
        """The rows of a query, as they come; read to the end before anything else."""

    def update(self, table: Table, columns: Sequence[str], condition: str) -> str:
        """An UPDATE of these columns of the table from the rows `s` of `seen`."""

    def differs(self, table: Table, columns: Sequence[str], *, left: str, right: str) -> str:
        """An SQL condition: two rows are not the same in these columns of the table.

        `left` and `right` are how SQL refers to them.
        """

    def reference(self, name: TableName) -> str:
        """How SQL refers to a table."""

    def quote(self, name: str) -> str:
        """How SQL refers to a column."""

    def blame(self, error: Exception) -> str | None:
        """What the database says against a row, if the error is about one; None: it is not."""

    def commit(self) -> None:
        """Make everything visible at once. What is not committed goes with the connection."""
