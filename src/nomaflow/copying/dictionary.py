"""JD Edwards' data dictionary: which item is a date, and how many decimals a number has."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nomaflow.connectors.copies import Source
from nomaflow.connectors.jde_dictionary import JdeDictionary
from nomaflow.connectors.tables import Table, TableName
from nomaflow.copying.side import Side
from nomaflow.errors import StepRefused

_PREFIX = 2


@dataclass(frozen=True)
class Item:
    """A described data item."""

    decimals: int = 0
    is_date: bool = False


@dataclass(frozen=True)
class Dictionary:
    """Items by their alias in upper case."""

    items: Mapping[str, Item]

    def of(self, column: str) -> Item | None:
        """The item of a column: its name without the table's prefix of two letters."""
        return self.items.get(column[_PREFIX:].upper().strip())


def from_csv(place: JdeDictionary) -> Dictionary:
    """Read the file. Raises StepRefused when it, or one of its columns, is not there."""
    path = Path(place.csv or "")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is empty, or no UTF-8 text"
        raise StepRefused(f"The data dictionary {path} cannot be read: {reason}.") from None
    numbers = [header.index(name) for name in _found(place, header, f"The file {path}")]
    return _dictionary(place, ([row[n] for n in numbers] for row in rows if row))


def from_table(place: JdeDictionary, side: Side) -> Dictionary:
    """Read the table. Raises StepRefused when it, or one of its columns, is not there."""
    with side.connection() as connection, side.errors():
        source = side.dialect.source(connection)
        source.begin()
        table = _table(place, source)
        if table is None:
            raise StepRefused(
                f"Connector '{side.name}' has no table "
                f"'{TableName(place.table_name, place.schema_)}' for the data dictionary. Check "
                "the jde_dictionary of the source's connector."
            )
        names = _found(place, [column.name for column in table.columns], f"'{table.name}'")
        columns = [next(c for c in table.columns if c.name == name) for name in names]
        query = source.select(table, columns, None, {})
        rows = [row for rows in source.rows(query, columns, verbatim=False) for row in rows]
    return _dictionary(place, rows)


def _table(place: JdeDictionary, source: Source) -> Table | None:
    """The table, in the case that the database keeps its names in."""
    for name in (place.table_name, place.table_name.lower(), place.table_name.upper()):
        table = source.table(TableName(name, place.schema_))
        if table is not None:
            return table
    return None


def _found(place: JdeDictionary, names: Sequence[str], where: str) -> list[str]:
    """The three columns' names as they are spelled there."""
    wanted = (place.item, place.type, place.decimals)
    spelled = {name.strip().upper(): name for name in names}
    if missing := [name for name in wanted if name.upper() not in spelled]:
        raise StepRefused(
            f"{where} has no column {', '.join(missing)} for the data dictionary. It has: "
            f"{', '.join(names)}. Name the columns in jde_dictionary: item, type, decimals."
        )
    return [spelled[name.upper()] for name in wanted]


def _dictionary(place: JdeDictionary, rows: Iterable[Sequence[Any]]) -> Dictionary:
    items = {}
    for alias, kind, decimals in rows:
        name, code = _text(alias).upper(), _text(kind)
        if code in place.date_types:
            items[name] = Item(is_date=True)
        elif code in place.numeric_types:
            items[name] = Item(_decimals(name, _text(decimals)))
    return Dictionary(items)


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _decimals(item: str, value: str) -> int:
    try:
        number = float(value or 0)
        if number != int(number) or number < 0:
            raise ValueError(value)  # noqa: TRY301 - one message for both
    except ValueError:
        raise StepRefused(
            f"The data dictionary gives item '{item}' the decimals '{value}', which is no count."
        ) from None
    return int(number)
