"""Tables and columns that a copy makes in MySQL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import pymysql

from nomaflow.connectors.dialects.mysql.catalogue import Connection, fetch, is_mariadb
from nomaflow.connectors.dialects.mysql.expressions import quote
from nomaflow.connectors.dialects.mysql.source import reference
from nomaflow.connectors.dialects.mysql.types import column_type
from nomaflow.connectors.tables import Column, ColumnType, Kind, Table, TableName
from nomaflow.errors import StepRefused

_PROBE: Final = "nomaflow_probe"
_INDEX_BYTES: Final = 3072
_BYTES_PER_CHARACTER: Final = 4
_OTHER_BYTES: Final = 16
_SHORTEST_IN_A_KEY: Final = 32


def definition(column: Column) -> str:
    """The column as CREATE TABLE and ALTER TABLE take it."""
    null = "NULL" if column.nullable else "NOT NULL"
    return f"{quote(column.name)} {column.type.native} {null}"


def options(connection: Connection) -> str:
    """Our tables compare texts as other databases do: 'a' is neither 'A' nor 'a '."""
    collation = "utf8mb4_nopad_bin" if is_mariadb(connection) else "utf8mb4_0900_bin"
    return f"ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE {collation} ROW_FORMAT = DYNAMIC"


def create(connection: Connection, name: TableName, table: Table) -> None:
    """Make an empty table with a table's columns and keys. Raises StepRefused where that fails."""
    parts = [definition(column) for column in _indexable(table)]
    if table.primary_key:
        parts.append(f"PRIMARY KEY ({_listed(table.primary_key)})")
    parts += [f"UNIQUE ({_listed(key)})" for key in table.unique_keys]
    try:
        fetch(
            connection, f"CREATE TABLE {reference(name)} ({', '.join(parts)}) {options(connection)}"
        )
    except (pymysql.OperationalError, pymysql.ProgrammingError) as error:
        if error.args[0] in _LOST:
            raise
        raise StepRefused(
            f"Table '{table.name}' cannot be made: {error.args[1]}. Create it yourself, or give "
            "its columns other types in the step's `columns`."
        ) from error


def create_temporary(
    connection: Connection, name: TableName, table: TableName, columns: Sequence[Column]
) -> None:
    """A table of this session alone, for rows that will move: some columns, no keys."""
    names = _listed([column.name for column in columns])
    fetch(
        connection,
        f"CREATE TEMPORARY TABLE {reference(name)} ENGINE = InnoDB"  # noqa: S608 - quoted
        f" AS SELECT {names} FROM {reference(table)} LIMIT 0",
    )


def create_like(connection: Connection, name: TableName, table: TableName) -> None:
    """A table for the rows of another one, without its keys."""
    fetch(
        connection,
        f"CREATE TABLE {reference(name)} ENGINE = InnoDB"  # noqa: S608 - quoted
        f" AS SELECT * FROM {reference(table)} LIMIT 0",
    )


def _indexable(table: Table) -> Iterator[Column]:
    """An index takes no text or binary value of any length, but one that the key has room for."""
    lengths: dict[str, int] = {}
    for key in table.keys:
        for name, length in _lengths([c for c in table.columns if c.name in key]).items():
            lengths[name] = min(length, lengths.get(name, length))
    for column in table.columns:
        limit = lengths.get(column.name)
        yield column if limit is None else replace(column, type=_limited(column.type, limit))


def _lengths(key: Sequence[Column]) -> dict[str, int]:
    """How many characters each column of a key may have that declares no number itself."""
    unlimited = [column for column in key if _is_unlimited(column.type)]
    taken = sum(_bytes(column.type) for column in key if column not in unlimited)
    if not unlimited:
        return {}
    room = (_INDEX_BYTES - taken) // len(unlimited) // _BYTES_PER_CHARACTER
    return dict.fromkeys((column.name for column in unlimited), max(room, _SHORTEST_IN_A_KEY))


def _is_unlimited(kind: ColumnType) -> bool:
    return kind.native.lower().endswith(("text", "blob"))


def _bytes(kind: ColumnType) -> int:
    if kind.kind is Kind.TEXT and kind.size is not None:
        return kind.size * _BYTES_PER_CHARACTER
    return _OTHER_BYTES


def _limited(kind: ColumnType, characters: int) -> ColumnType:
    if kind.kind is Kind.BYTES:
        return replace(kind, native=f"varbinary({characters * _BYTES_PER_CHARACTER})")
    return replace(kind, native=f"varchar({characters})")


def is_known(connection: Connection, native: str) -> bool:
    """Whether the server has such a type."""
    try:
        with _probe(connection, native):
            return True
    except (pymysql.OperationalError, pymysql.ProgrammingError) as error:
        if error.args[0] in _LOST:
            raise
        return False


def declared_type(connection: Connection, words: str) -> ColumnType:
    """The type that these words declare. Raises StepRefused."""
    try:
        with _probe(connection, words) as native:
            is_json = words.strip().lower() == "json"
            return column_type("json" if is_json else native)
    except (pymysql.OperationalError, pymysql.ProgrammingError) as error:
        if error.args[0] in _LOST:
            raise
        raise StepRefused(f"'{words}' is no type of this server: {error.args[1]}.") from error


@contextmanager
def _probe(connection: Connection, words: str) -> Iterator[str]:
    """A temporary table with one column of a type; gives the type in the server's words."""
    fetch(connection, f"CREATE TEMPORARY TABLE {_PROBE} (c {words})")
    try:
        yield str(fetch(connection, f"SHOW COLUMNS FROM {_PROBE}")[0][1])
    finally:
        fetch(connection, f"DROP TEMPORARY TABLE {_PROBE}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quote, names))


_LOST: Final = frozenset({1317, 2006, 2013})
