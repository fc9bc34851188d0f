"""Tables that a copy makes in SQL Server."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from nomaflow.connectors.dialects.mssql.catalogue import described
from nomaflow.connectors.dialects.mssql.stash import reference, said
from nomaflow.connectors.dialects.mssql.types import is_text, quote
from nomaflow.connectors.tables import Column, ColumnType, Kind, Table, TableName
from nomaflow.errors import StepRefused

_CHARACTERS_OF_A_KEY: Final = 450
_OTHERS: Final = frozenset({"timestamp", "rowversion", "xml", "sql_variant"})
_NARROW: Final = ("varchar", "char", "text")
_LONGEST_TEXT: Final = 4000


def definition(column: Column) -> str:
    """The column as CREATE TABLE and ALTER TABLE take it."""
    return f"{quote(column.name)} {column.type.native} {'NULL' if column.nullable else 'NOT NULL'}"


def create(connection: Any, table: Table) -> None:
    """Make an empty table with its keys."""
    parts = [definition(column) for column in _indexable(table)]
    if table.primary_key:
        parts.append(f"PRIMARY KEY ({listed(table.primary_key)})")
    parts += [f"UNIQUE NONCLUSTERED ({listed(key)})" for key in table.unique_keys]
    said(connection, f"CREATE TABLE {reference(table.name)} ({', '.join(parts)})")


def create_stash(connection: Any, stash: TableName, columns: Sequence[Column]) -> None:
    """A table of these columns that takes NULL everywhere, for a target that is not there yet."""
    parts = ", ".join(definition(replace(column, nullable=True)) for column in columns)
    said(connection, f"CREATE TABLE {reference(stash)} ({parts})")


def create_stash_like(
    connection: Any, stash: TableName, table: TableName, columns: Sequence[Column]
) -> None:
    """Columns of the table with their collations. A UNION ALL leaves IDENTITY behind.

    Characters wait in Unicode: a code page would turn those that it does not have into `?`.
    """
    items = ", ".join(_waiting(column) for column in columns)
    empty = f"SELECT TOP (0) {items} FROM {reference(table)}"  # noqa: S608 - quoted
    into = f"SELECT TOP (0) {items} INTO {reference(stash)} FROM {reference(table)}"  # noqa: S608
    said(connection, f"{into} UNION ALL {empty}")


def is_narrow(column: Column) -> bool:
    """Whether the column's characters are those of a code page."""
    return column.type.kind is Kind.TEXT and column.type.native.startswith(_NARROW)


def refuse_types(columns: Sequence[Column]) -> None:
    """Raises StepRefused for what cannot be written exactly."""
    for column in columns:
        if column.type.kind is Kind.NATIVE or column.type.native in _OTHERS:
            raise StepRefused(
                f"Column '{column.name}' of the target is {column.type.native}, which a copy does "
                "not write. Leave it out in the step's `columns`, or make it nvarchar(max)."
            )


def is_known(connection: Any, column: ColumnType) -> bool:
    """Whether a table with such a column can be made and written."""
    if column.kind is Kind.NATIVE or column.native in _OTHERS:
        return False
    try:
        return bool(described(connection, f"SELECT CAST(NULL AS {column.native}) AS c"))
    except StepRefused:
        return False


def declared_type(connection: Any, words: str) -> ColumnType:
    """The type that these words declare. Raises StepRefused."""
    try:
        (column,) = described(connection, f"SELECT CAST(NULL AS {words}) AS c")
    except (StepRefused, ValueError):
        raise StepRefused(
            f"SQL Server knows no type '{words}'. Correct it in the step's `columns`."
        ) from None
    return column.type


def listed(names: Sequence[str]) -> str:
    """Columns as SQL lists them."""
    return ", ".join(map(quote, names))


def _waiting(column: Column) -> str:
    name, size = quote(column.name), column.type.size
    if not is_narrow(column):
        return name
    room = size if size and size <= _LONGEST_TEXT else "max"
    return f"CAST({name} AS nvarchar({room})) AS {name}"


def _indexable(table: Table) -> Iterator[Column]:
    """An index takes no text of any length."""
    for column in table.columns:
        keys = [key for key in table.keys if column.name in key]
        if not keys or not is_text(column.type) or "(max)" not in column.type.native:
            yield column
            continue
        room = _CHARACTERS_OF_A_KEY // max(map(len, keys))
        yield replace(column, type=replace(column.type, native=f"nvarchar({room})"))
