"""Brings SQLite tables in line with a list, which waits in SQLite's temporary database."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from nomaflow.connectors.dialects.spelling import from_seen
from nomaflow.connectors.dialects.sqlite import catalogue
from nomaflow.connectors.dialects.sqlite.types import TYPES, column_type
from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import Column, ColumnType, Row, Rows, Table, TableName
from nomaflow.connectors.values import ColumnFunction

_SEEN = "temp.nomaflow_seen"
_ROWS_AT_ONCE = 1000


class SqliteMirror:
    """One connection; the file is locked from `begin` to `commit` alone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._insert = ""

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self._connection, name)

    def parameters(self, statement: Statement, table: Table | None) -> Mapping[str, ColumnType]:  # noqa: ARG002
        """A parameter takes any value; the column that it goes to may turn it into another."""
        return dict.fromkeys(statement.names, column_type(""))

    def encode(self, declared: ColumnType) -> tuple[ColumnFunction, ...]:
        return TYPES.encode(declared)

    def create_seen(
        self,
        columns: Sequence[Column],
        table: Table | None,  # noqa: ARG002 - the types tell how values compare
        key: Sequence[str],  # noqa: ARG002 - SQLite makes the index that it needs
    ) -> str:
        """Columns have the types of those that they are for, so that values compare alike."""
        names = ", ".join(f"{catalogue.quote(c.name)} {c.type.native}" for c in columns)
        places = ", ".join("?" for _ in columns)
        self._connection.execute(f"DROP TABLE IF EXISTS {_SEEN}")
        self._connection.execute(f"CREATE TABLE {_SEEN} ({names})")
        self._insert = f"INSERT INTO {_SEEN} VALUES ({places})"  # noqa: S608 - no input in it
        self._connection.execute("BEGIN")
        return _SEEN

    def write(self, rows: Rows) -> None:
        self._connection.executemany(self._insert, rows)

    def begin(self) -> None:
        self._connection.execute("COMMIT")
        self._connection.execute("BEGIN IMMEDIATE")

    def seen(self) -> Iterator[Rows]:
        cursor = self._connection.execute(f"SELECT * FROM {_SEEN}")  # noqa: S608 - no input in it
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            yield rows

    def run(self, statement: Statement, names: Sequence[str], rows: Rows) -> int:
        used, text = statement.rendered(lambda _: "?")
        places = [names.index(name.lower()) for name in used]
        values = ([row[place] for place in places] for row in rows)
        return max(self._connection.executemany(text, values).rowcount, 0)

    def execute(self, sql: str) -> int:
        return self._connection.execute(sql).rowcount

    def select(self, sql: str) -> Iterator[Row]:
        return self._connection.execute(sql)

    def update(self, table: Table, columns: Sequence[str], condition: str) -> str:
        where, new = self.reference(table.name), from_seen(columns, catalogue.quote)
        return f"UPDATE {where} SET {new} FROM {_SEEN} AS s WHERE {condition}"  # noqa: S608

    def differs(self, table: Table, columns: Sequence[str], *, left: str, right: str) -> str:  # noqa: ARG002
        ours = ", ".join(f"{left}.{catalogue.quote(column)}" for column in columns)
        theirs = ", ".join(f"{right}.{catalogue.quote(column)}" for column in columns)
        return f"({ours}) IS NOT ({theirs})"

    def reference(self, name: TableName) -> str:
        return f"main.{catalogue.quote(name.table)}"

    def quote(self, name: str) -> str:
        return catalogue.quote(name)

    def blame(self, error: Exception) -> str | None:
        return str(error) if isinstance(error, sqlite3.IntegrityError) else None

    def commit(self) -> None:
        self._connection.execute("COMMIT")
