"""Entries of a directory become rows: an attribute's values, as columns take them."""

import base64
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import starmap
from typing import Any, Final, Literal

from nomaflow.connectors.ldap.search import Entry
from nomaflow.connectors.ldap.values import Value, presented
from nomaflow.connectors.tables import Column, ColumnType, Kind, Row, Rows
from nomaflow.connectors.values import BadValue, ColumnFunction, each, not_null
from nomaflow.copying.convert import Unfit, conversion
from nomaflow.errors import StepFailed, StepRefused

Multi = Literal["first", "join", "rows"]

DN: Final = "dn"
_GENERALIZED_TIME: Final = re.compile(r"(\d{14})(?:[.,](\d+))?(Z|[+-]\d{4})")
_TEXT: Final = ColumnType(Kind.TEXT, "text")
_TRUTHS: Final = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True)
class Filling:
    """Where a column's values come from: an attribute (in lower case), or one value for all."""

    column: Column
    attribute: str | None = None
    constant: Any = None


@dataclass(frozen=True)
class Reading:
    """How attributes with several values are read: each by its own rule or the common one.

    `first` takes the first value, `join` all of them, sorted, and `rows` makes a row of each.
    """

    multi: Multi = "first"
    by_attribute: Mapping[str, Multi] = field(default_factory=dict)
    separator: str = ";"
    binary: Collection[str] = ()

    def rule(self, attribute: str) -> Multi:
        return self.by_attribute.get(attribute, self.multi)


@dataclass(frozen=True)
class Batch:
    """Rows, and the DN of the entry that each was made of."""

    rows: Rows
    dns: Sequence[str]

    def failure(self, bad: BadValue) -> StepFailed:
        """What to say about a value of a row that does not fit."""
        what = f"Column '{bad.column}'" if bad.column else "A value"
        dn = self.dns[min(bad.row, len(self.dns) - 1)]
        return StepFailed(f"{what} {bad.reason} (entry '{dn}'). Nothing was changed.")


class RowMaker:
    """Makes rows of entries, one value for each filling. Raises StepFailed naming the entry."""

    def __init__(
        self,
        fillings: Sequence[Filling],
        reading: Reading,
        encode: Callable[[ColumnType], tuple[ColumnFunction, ...]],
    ) -> None:
        self._fillings = fillings
        self._reading = reading
        self._functions = [_functions(filling, encode) for filling in fillings]
        self._spread = [
            place
            for place, filling in enumerate(fillings)
            if filling.attribute and reading.rule(filling.attribute) == "rows"
        ]

    def batch(self, entries: Sequence[Entry]) -> Batch:
        """The rows of these entries, in the form that the mirror writes."""
        made = [(entry.dn, row) for entry in entries for row in self._rows_of(entry)]
        batch = Batch([row for _, row in made], [dn for dn, _ in made])
        if not made:
            return batch
        turned = list(zip(*batch.rows, strict=True))
        try:
            columns = list(starmap(_converted, self._ways(turned)))
        except BadValue as bad:
            raise batch.failure(bad) from None
        return Batch(list(zip(*columns, strict=True)), batch.dns)

    def _ways(self, turned: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
        for filling, functions, values in zip(self._fillings, self._functions, turned, strict=True):
            yield filling.column.name, functions, values

    def _rows_of(self, entry: Entry) -> Iterator[Row]:
        """One row, or one for each value of the attribute whose rule is `rows`."""
        values = [self._values(filling, entry) for filling in self._fillings]
        count = next((len(values[place]) for place in self._spread), 1)
        for number in range(count):
            yield tuple(
                one[number if place in self._spread else 0] if one else None
                for place, one in enumerate(values)
            )

    def _values(self, filling: Filling, entry: Entry) -> list[Any]:
        if filling.attribute is None:
            return [filling.constant]
        if filling.attribute == DN:
            return [entry.dn]
        values = self._presented(filling.attribute, entry)
        if self._reading.rule(filling.attribute) != "join" or len(values) < 2:
            return values
        return [self._reading.separator.join(sorted(map(_text, values)))]

    def _presented(self, attribute: str, entry: Entry) -> list[Value]:
        try:
            return [
                presented(attribute, value, self._reading.binary)
                for value in entry.attributes.get(attribute, ())
            ]
        except ValueError as error:
            raise StepFailed(
                f"Attribute '{attribute}' {error} (entry '{entry.dn}'). Nothing was changed."
            ) from None


def _converted(name: str, functions: Sequence[ColumnFunction], values: Sequence[Any]) -> Any:
    try:
        for function in functions:
            values = function(values)
    except BadValue as bad:
        bad.column = name
        raise
    return values


def _functions(
    filling: Filling, encode: Callable[[ColumnType], tuple[ColumnFunction, ...]]
) -> tuple[ColumnFunction, ...]:
    """From an attribute's values to what the column takes. Raises StepRefused."""
    column = filling.column
    required = () if column.nullable else (not_null,)
    spelled = (each(_constant_text),) if filling.attribute is None else ()
    try:
        return (*required, *spelled, *_arriving(column.type), *encode(column.type))
    except Unfit as unfit:
        raise StepRefused(
            f"Column '{column.name}' cannot hold what a directory has: {unfit}."
        ) from None


def _arriving(declared: ColumnType) -> tuple[ColumnFunction, ...]:
    special = _ARRIVALS.get(declared.kind)
    if special:
        return (each(special),)
    if declared.kind is Kind.ANY:
        return ()
    if declared.kind in {Kind.DATE, Kind.TIMESTAMP}:
        return (each(_moment(declared)), *conversion(_TEXT, declared))
    if declared.kind is Kind.NATIVE and declared.readable:
        return (each(_text),)
    return (each(_text), *conversion(_TEXT, declared))


def _text(value: Value) -> str:
    return value if isinstance(value, str) else base64.b64encode(value).decode()


def _constant_text(value: Any) -> Any:
    """A value of the run, as an attribute would have it."""
    if isinstance(value, bool | dict | list):
        return json.dumps(value)
    return value if isinstance(value, str | bytes) else str(value)


def _number(value: Value) -> float:
    try:
        return float(_text(value))
    except ValueError:
        raise ValueError("is no number") from None


def _bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _truth(value: Value) -> bool:
    try:
        return _TRUTHS[_text(value).lower()]
    except KeyError:
        raise ValueError("is neither TRUE nor FALSE") from None


def _moment(declared: ColumnType) -> Callable[[Value], str]:
    """A directory's `20260329023000.0Z` in the form that columns take; other texts as they are."""

    def read(value: Value) -> str:
        text = _text(value)
        found = _GENERALIZED_TIME.fullmatch(text)
        if found is None:
            return text
        digits, fraction, zone = found.groups()
        moment = datetime.strptime(f"{digits}{zone}", "%Y%m%d%H%M%S%z").astimezone(UTC)
        moment = moment.replace(microsecond=int(f"{fraction or 0:0<6}"[:6]))
        return (
            moment.isoformat(" ") if declared.zoned else moment.replace(tzinfo=None).isoformat(" ")
        )

    return read


_ARRIVALS: Final[Mapping[Kind, Callable[[Value], Any]]] = {
    Kind.BYTES: _bytes,
    Kind.BOOLEAN: _truth,
    Kind.FLOAT: _number,
}
