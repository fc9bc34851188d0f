"""The row lane: reads small lists of rows, makes batches of them, converts and writes each.

Batches are bounded in rows and in bytes, and few are read ahead, so that memory does not grow
with the table.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from nomaflow.connectors.copies import BadRow, Moved, Target
from nomaflow.connectors.tables import Column, Kind, Row, Rows
from nomaflow.connectors.values import BadValue
from nomaflow.copying.plan import Plan, PlannedColumn
from nomaflow.copying.progress import Progress
from nomaflow.errors import StepFailed

MOST_BYTES: Final = 8 * 1024 * 1024
_FIXED_BYTES: Final = 8
_VARIABLE = frozenset({Kind.TEXT, Kind.BYTES, Kind.JSON, Kind.NATIVE, Kind.ANY})


@dataclass(frozen=True)
class Batch:
    """Some rows, and about how many bytes their values take."""

    rows: Rows
    size: int


def batches(
    chunks: Iterable[Rows], columns: Sequence[Column], most_rows: int, most_bytes: int = MOST_BYTES
) -> Generator[Batch, None, None]:
    """Join small lists of rows until a batch has as many rows or bytes as it may."""
    measure = _measure(columns)
    rows: Rows = []
    size = 0
    for chunk in chunks:
        rest = chunk
        while rest:
            room = most_rows - len(rows)
            part, rest = rest[:room], rest[room:]
            rows += part
            size += measure(part)
            if len(rows) == most_rows or size >= most_bytes:
                yield Batch(rows, size)
                rows, size = [], 0
    if rows:
        yield Batch(rows, size)


def _measure(columns: Sequence[Column]) -> Callable[[Rows], int]:
    """About how many bytes some rows take."""
    takes = [itemgetter(n) for n, column in enumerate(columns) if column.type.kind in _VARIABLE]
    fixed = _FIXED_BYTES * (len(columns) - len(takes))

    def measure(rows: Rows) -> int:
        return fixed * len(rows) + sum(_lengths(map(take, rows)) for take in takes)

    return measure


def _lengths(values: Iterator[object]) -> int:
    """An absent or empty one counts nothing."""
    present: list[Any] = list(filter(None, values))
    try:
        return sum(map(len, present))
    except TypeError:  # a column of any type holds numbers, too
        return sum(map(_length, present))


def _length(value: object) -> int:
    return len(value) if isinstance(value, str | bytes) else _FIXED_BYTES


def move(
    plan: Plan, arriving: Generator[Batch, None, None], target: Target, progress: Progress
) -> Moved:
    """Convert and write every batch. Raises StepFailed naming column and key of a bad value."""
    written = size = 0
    blanked: Counter[str] = Counter()
    convert = converter(plan.columns, blanked)
    with closing(arriving):
        for batch in _readable(plan, arriving):
            try:
                written += target.write(convert(batch.rows))
            except BadValue as bad:
                raise bad_value(plan, bad, batch.rows, progress.rows) from None
            size += batch.size
            progress.add(len(batch.rows))
    progress.finish()
    return Moved(progress.rows, written, size, blanked)


def converter(
    columns: Sequence[PlannedColumn], blanked: Counter[str] | None = None
) -> Callable[[Rows], Rows]:
    """Rows in, rows out; values are converted column by column.

    `blanked` counts those that become NULL because they are blank.
    """
    if not any(column.functions for column in columns):
        return lambda rows: rows

    def convert(rows: Rows) -> Rows:
        turned = list(zip(*rows, strict=True))
        converted = list(map(_converted, columns, turned))
        if blanked is not None:
            blanked.update(_blanked(columns, turned, converted))
        return list(zip(*converted, strict=True))

    return convert


def _blanked(
    columns: Sequence[PlannedColumn],
    before: Sequence[Sequence[object]],
    after: Sequence[Sequence[object]],
) -> dict[str, int]:
    """How many values became NULL, by target column."""
    found = {
        column.target.name: _nulls(new) - _nulls(old)
        for column, old, new in zip(columns, before, after, strict=True)
        if column.blank
    }
    return {name: count for name, count in found.items() if count}


def _nulls(values: Sequence[object]) -> int:
    return sum(value is None for value in values)


def _converted(column: PlannedColumn, values: Sequence[object]) -> Sequence[object]:
    try:
        for function in column.functions:
            values = function(values)
    except BadValue as bad:
        bad.column = column.target.name
        raise
    return values


def _readable(plan: Plan, arriving: Iterator[Batch]) -> Iterator[Batch]:
    try:
        yield from arriving
    except BadRow as bad:
        raise StepFailed(_sentence(plan, bad.column, bad.reason, bad.row, None)) from None


def bad_value(plan: Plan, bad: BadValue, rows: Rows, before: int) -> StepFailed:
    """What is wrong with a value of some rows; `before` them came so many others."""
    row = rows[bad.row] if bad.row < len(rows) else None
    return StepFailed(_sentence(plan, bad.column, bad.reason, row, before + bad.row + 1))


def _sentence(
    plan: Plan, column: str | None, reason: str, row: Row | None, number: int | None
) -> str:
    where = describe_key(plan, row) if row and plan.key else f"row {number} of the source"
    subject = f"Column '{column}'" if column else "A value"
    return f"{subject} {reason} ({where}). The target '{plan.table.name}' is unchanged."


def describe_key(plan: Plan, row: Row) -> str:
    """`id = 37`, from a row as the source gave it."""
    places = {column.target.name: place for place, column in enumerate(plan.columns)}
    return key_text(plan.key, [row[places[name]] for name in plan.key])


def key_text(names: Sequence[str], values: Sequence[object]) -> str:
    """`id = 37, region = 'EU'`."""
    return ", ".join(f"{name} = {value!r}" for name, value in zip(names, values, strict=True))
