"""What several databases spell alike, but for how each quotes a name."""

from collections.abc import Callable, Mapping, Sequence

from nomaflow.connectors.tables import Column, TableName

Quote = Callable[[str], str]


def qualified(name: TableName, quote: Quote) -> str:
    """A table as SQL takes it."""
    return f"{quote(name.schema)}.{quote(name.table)}" if name.schema else quote(name.table)


def selected(columns: Sequence[Column], quote: Quote) -> str:
    """The list of a SELECT: each column itself, or what it is computed from."""
    return ", ".join(
        quote(column.name)
        if column.expression is None
        else f"{column.expression} AS {quote(column.name)}"
        for column in columns
    )


def limited(select: str, order: str, skip: int) -> str:
    """One row of a query, behind so many others in that order."""
    ordered = f"{select} ORDER BY {order}" if order else select
    return f"{ordered} LIMIT 1 OFFSET {skip}"


def respelled(definition: str, words: Mapping[str, str]) -> str:
    """The definition of a table of ours, in a database's own words."""
    for word, own in words.items():
        definition = definition.replace(word, own)
    return definition


def from_seen(columns: Sequence[str], quote: Quote) -> str:
    """The assignments of an UPDATE: each column gets the value of the row `s`."""
    return ", ".join(f"{quote(column)} = s.{quote(column)}" for column in columns)
