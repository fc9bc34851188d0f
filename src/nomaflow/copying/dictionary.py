"""JD Edwards' data dictionary: which item is a date, and how many decimals a number has."""

from collections.abc import Mapping
from dataclasses import dataclass

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
