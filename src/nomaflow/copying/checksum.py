"""A checksum of rows that does not depend on their order, equal for equal values anywhere.

Both sides are read once more, and what each row means in canonical form is hashed; the sum of the
hashes is the checksum. Where both are databases of one kind that can hash, they do it themselves.
"""

import json
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

from nomaflow.connectors.copies import Source, Types
from nomaflow.connectors.tables import ColumnType, Kind, Query, Rows
from nomaflow.connectors.values import ColumnFunction, each
from nomaflow.copying.plan import Plan, PlannedColumn

_BITS: Final = 128
_TRAILING_ZEROS = re.compile(r"(\.\d*?)0+(?=$|[+ ])")


def of_source(plan: Plan, source: Source, query: Query) -> str:
    """The checksum of the rows as they should arrive."""
    if plan.verbatim and (found := source.digest(query)) is not None:
        return found
    columns = [column.source for column in plan.columns]
    chains = [_arriving(column) for column in plan.columns]
    return digest(source.rows(query, columns, verbatim=plan.verbatim), chains)


def of_stash(plan: Plan, stash: Source, query: Query) -> str:
    """The checksum of the rows that did arrive; `query` reads them in the plan's order."""
    if plan.verbatim and (found := stash.digest(query)) is not None:
        return found
    columns = [column.target for column in plan.columns]
    chains = [_arrived(column, stash.types) for column in plan.columns]
    return digest(stash.rows(query, columns, verbatim=plan.verbatim), chains)


def digest(batches: Iterable[Rows], chains: Sequence[Sequence[ColumnFunction]]) -> str:
    """The sum of the hashes of all rows, in hexadecimal; `chains` lead to what is hashed."""
    total = 0
    for rows in batches:
        total += sum(map(_hash, _turned(rows, chains)))
    return f"{total % (1 << _BITS):0{_BITS // 4}x}"


def _turned(rows: Rows, chains: Sequence[Sequence[ColumnFunction]]) -> Iterator[tuple[Any, ...]]:
    columns: list[Sequence[Any]] = []
    for chain, values in zip(chains, zip(*rows, strict=True), strict=True):
        turned: Sequence[Any] = values
        for function in chain:
            turned = function(turned)
        columns.append(turned)
    return zip(*columns, strict=True)


def _hash(row: tuple[Any, ...]) -> int:
    return int.from_bytes(blake2b(repr(row).encode(), digest_size=_BITS // 8).digest(), "big")


def _arriving(column: PlannedColumn) -> Sequence[ColumnFunction]:
    if column.verbatim:
        return ()
    return (*column.canonical, *_plain(column.arrives))


def _arrived(column: PlannedColumn, types: Types) -> Sequence[ColumnFunction]:
    if column.verbatim:
        return ()
    return (*types.decode(column.target.type, column.arrives), *_plain(column.arrives))


def _plain(arrives: ColumnType) -> Sequence[ColumnFunction]:
    """To the one form of values that have several, as far as the target keeps them apart."""
    if arrives.kind is Kind.FLOAT and arrives.size == 32:
        return (each(_single),)
    if arrives.kind is Kind.TEXT and arrives.padded:
        return (each(lambda value: value.rstrip(" ")),)
    function = _PLAIN.get(arrives.kind)
    return (each(function),) if function else ()


def _decimal(value: str) -> str:
    if value.endswith(("NaN", "Infinity")):
        return value
    digits = format(Decimal(value), "f")
    short = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if short == "-0" else short


def _single(value: float) -> float:
    single: float = struct.unpack("f", struct.pack("f", value))[0]
    return single


def _moment(value: str) -> str:
    return _TRAILING_ZEROS.sub(lambda found: found[1].rstrip("."), value)


def _document(value: str) -> str:
    return json.dumps(json.loads(value, parse_float=Decimal), sort_keys=True, default=_number)


def _number(value: Decimal) -> str:
    return _decimal(str(value))


_PLAIN: dict[Kind, Callable[[Any], Any]] = {
    Kind.DECIMAL: _decimal,
    Kind.TIME: _moment,
    Kind.TIMESTAMP: _moment,
    Kind.JSON: _document,
}
