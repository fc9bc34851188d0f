"""Only what is new since the last time: the high-water mark of a column.

The mark is kept beside the target, in the transaction that adds the rows: what the target holds
and what the mark says are never two things.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nomaflow.connectors.copies import Target, Types
from nomaflow.connectors.tables import Column, Table, TableName
from nomaflow.copying.receipt import ReceiptKey
from nomaflow.errors import StepRefused

TABLE = "nomaflow_marks"
_DEFINITION = (
    "job VARCHAR(255) NOT NULL, step VARCHAR(255) NOT NULL, target VARCHAR(255) NOT NULL,"
    " source_column TEXT NOT NULL, mark TEXT NOT NULL, receipt TEXT NOT NULL,"
    " PRIMARY KEY (job, step, target)"
)
READ_ALL = "read_all"
MARK = "mark"


@dataclass(frozen=True)
class Incremental:
    """What the step says: the source's `column` that grows, and whose mark it is.

    `read_all` and `start` are for one run: read every row; go on from this value.
    """

    column: str
    job: str
    step: str
    read_all: bool = False
    start: str | None = None


@dataclass(frozen=True)
class Stretch:
    """What a run reads: the rows for which `condition` holds (None: all), behind `start`."""

    column: Column
    start: str | None
    condition: str | None


class Marks:
    """The marks of one schema, one for each job, step and target."""

    def __init__(self, target: Target, table: TableName) -> None:
        self._target = target
        self._of = str(table)
        self._name = TableName(TABLE, table.schema)
        self._table = target.reference(self._name)

    def of(self, whose: Incremental) -> str | None:
        """The kept mark."""
        if self._target.table(self._name) is None:
            return None
        row = self._target.row(
            f"SELECT mark FROM {self._table} WHERE {self._where()}",  # noqa: S608 - quoted
            self._key(whose),
        )
        return None if row is None else str(row[0])

    def write(self, whose: Incremental, mark: str, key: ReceiptKey) -> None:
        """Keep the mark; it counts when the transaction commits."""
        self._target.make(self._name, _DEFINITION)
        self._target.execute(
            f"DELETE FROM {self._table} WHERE {self._where()}",  # noqa: S608 - quoted
            self._key(whose),
        )
        places = ", ".join(self._target.place(number) for number in range(1, 7))
        self._target.execute(
            f"INSERT INTO {self._table} (job, step, target, source_column, mark, receipt)"  # noqa: S608
            f" VALUES ({places})",
            [*self._key(whose), whose.column, mark, key.key],
        )

    def _where(self) -> str:
        place = self._target.place
        return f"job = {place(1)} AND step = {place(2)} AND target = {place(3)}"

    def _key(self, whose: Incremental) -> Sequence[Any]:
        return [whose.job, whose.step, self._of]


def stretch(
    wanted: Incremental, table: Table, mark: str | None, types: Types, *, again: bool
) -> Stretch:
    """What to read; `again`: rows at the mark itself too, for a mode that bears them twice.

    Raises StepRefused when the source has no such column.
    """
    folded = types.folded(wanted.column)
    column = next((c for c in table.columns if types.folded(c.name) == folded), None)
    if column is None:
        raise StepRefused(
            f"The source has no column '{wanted.column}' for incremental. It has: "
            f"{', '.join(column.name for column in table.columns)}."
        )
    start = None if wanted.read_all else wanted.start or mark
    if start is None:
        return Stretch(column, None, None)
    condition = types.since(column, start, again=again)
    if again and column.nullable:
        condition = f"({condition} OR {types.identifier(column.name)} IS NULL)"
    return Stretch(column, start, condition)


def refuse_unmarked(wanted: Incremental, table: TableName, rows: int) -> None:
    """Raises StepRefused if the target has rows: an append of everything could double them."""
    if not rows:
        return
    name = f"--step-param '{wanted.step}:"
    raise StepRefused(
        f"The target '{table}' has {rows} rows, and no mark of column '{wanted.column}' is kept "
        f"for job '{wanted.job}', step '{wanted.step}': appending everything could double them. "
        f"Say once where to go on, {name}{MARK}=VALUE', or append everything, "
        f"{name}{READ_ALL}=true'."
    )
