"""Brings MySQL tables in line with a list, which waits in a temporary table.

Statements of the user run in the server's own SQL mode, made strict: a value that does not fit is
an error, not a warning.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Final

import pymysql
from pymysql.cursors import SSCursor

from nomaflow.connectors.dialects.mysql import catalogue
from nomaflow.connectors.dialects.mysql.catalogue import Connection, fetch
from nomaflow.connectors.dialects.mysql.comparing import VIOLATIONS, differing
from nomaflow.connectors.dialects.mysql.expressions import quote
from nomaflow.connectors.dialects.mysql.loading import Loading
from nomaflow.connectors.dialects.mysql.session import begin_filling
from nomaflow.connectors.dialects.mysql.source import reference
from nomaflow.connectors.dialects.mysql.types import TYPES, column_type
from nomaflow.connectors.dialects.mysql.ways import engine_without_transactions
from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import Column, ColumnType, Kind, Row, Rows, Table, TableName
from nomaflow.connectors.values import ColumnFunction
from nomaflow.errors import StepRefused

_SEEN: Final = "nomaflow_seen"
_NUMBER: Final = "nomaflow_row"
_ROWS_AT_ONCE: Final = 1000
_INDEX_CHARACTERS: Final = 700
_CANNOT_BE_INDEXED: Final = frozenset({Kind.NATIVE, Kind.JSON})
_UNFIT: Final = frozenset({1264, 1265, 1292, 1364, 1366, 1406, 1411, 1441})
_ONE_BY_ONE: Final = re.compile(r"\A\s*REPLACE\b|\bON\s+DUPLICATE\s+KEY\b", re.IGNORECASE)
_COLLATIONS: Final = """
SELECT LOWER(COLUMN_NAME), CHARACTER_SET_NAME, COLLATION_NAME FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND COLLATION_NAME IS NOT NULL
"""


class MysqlMirror:
    """One connection; outside of the transaction each statement commits by itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        ((self._mode,),) = fetch(connection, "SELECT @@sql_mode")
        begin_filling(connection)
        self._seen = ""
        self._columns: Sequence[Column] = ()
        self._loading: Loading | None = None

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self._connection, name)

    def parameters(self, statement: Statement, table: Table | None) -> Mapping[str, ColumnType]:
        """The server turns a text into what it is for, but bytes have to stay bytes."""
        columns = table.columns if table else ()
        binary = {c.name.lower() for c in columns if c.type.kind is Kind.BYTES}
        return {
            name: column_type("longblob" if name.lower() in binary else "longtext")
            for name in statement.names
        }

    def encode(self, declared: ColumnType) -> tuple[ColumnFunction, ...]:
        return TYPES.encode(declared)

    def create_seen(
        self, columns: Sequence[Column], table: Table | None, key: Sequence[str]
    ) -> str:
        schema = table.name.schema if table else None
        if table is not None:
            self._refuse_engine(table.name)
        self._use(schema)
        self._seen = reference(catalogue.home(self._connection, TableName(_SEEN, schema)))
        self._columns = columns
        collations = self._collations(table)
        parts = [f"{_NUMBER} bigint AUTO_INCREMENT PRIMARY KEY"]
        parts += [_definition(column, collations) for column in columns]
        parts += _index([column for column in columns if column.name in key])
        self.execute(f"DROP TEMPORARY TABLE IF EXISTS {self._seen}")
        self.execute(
            f"CREATE TEMPORARY TABLE {self._seen} ({', '.join(parts)})"
            " ENGINE = InnoDB CHARACTER SET utf8mb4 ROW_FORMAT = DYNAMIC"
        )
        self._loading = Loading(self._connection, self._seen, columns)
        return self._seen

    def write(self, rows: Rows) -> None:
        if rows and self._loading is not None:
            self._loading.write(rows)

    def begin(self) -> None:
        strict = "SET SESSION sql_mode = CONCAT_WS(',', NULLIF(%s, ''), 'STRICT_ALL_TABLES')"
        fetch(self._connection, f"ANALYZE TABLE {self._seen}")
        fetch(self._connection, strict, [self._mode])
        self.execute("START TRANSACTION")

    def seen(self) -> Iterator[Rows]:
        """In pieces, because nothing else can be said while a result is read."""
        names = ", ".join([_NUMBER, *(quote(column.name) for column in self._columns)])
        piece = (
            f"SELECT {names} FROM {self._seen} WHERE {_NUMBER} > %s"  # noqa: S608 - quoted
            f" ORDER BY {_NUMBER} LIMIT {_ROWS_AT_ONCE}"
        )
        last = 0
        while rows := fetch(self._connection, piece, [last]):
            last = rows[-1][0]
            yield [row[1:] for row in rows]

    def run(self, statement: Statement, names: Sequence[str], rows: Rows) -> int:
        """A row that replaces one or is put on a duplicate key counts twice for the server."""
        used, text = statement.rendered(lambda _: "%s", lambda sql: sql.replace("%", "%%"))
        places = [names.index(name.lower()) for name in used]
        most = 1 if _ONE_BY_ONE.search(statement.text) else None
        affected = 0
        with self._connection.cursor() as cursor:
            for row in rows:
                cursor.execute(text, tuple(row[place] for place in places))
                affected += cursor.rowcount if most is None else min(cursor.rowcount, most)
        return affected

    def execute(self, sql: str) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return int(cursor.rowcount)

    def select(self, sql: str) -> Iterator[Row]:
        with closing(self._connection.cursor(SSCursor)) as cursor:
            cursor.execute(sql)
            yield from cursor

    def update(self, table: Table, columns: Sequence[str], condition: str) -> str:
        here = reference(table.name)
        new = ", ".join(f"{here}.{quote(name)} = s.{quote(name)}" for name in columns)
        return f"UPDATE {here} JOIN {self._seen} AS s ON {condition} SET {new}"  # noqa: S608

    def differs(self, table: Table, columns: Sequence[str], *, left: str, right: str) -> str:
        return differing(table, columns, left=left, right=right)

    def reference(self, name: TableName) -> str:
        return reference(name)

    def quote(self, name: str) -> str:
        return quote(name)

    def blame(self, error: Exception) -> str | None:
        if not isinstance(error, pymysql.MySQLError) or error.args[0] not in VIOLATIONS | _UNFIT:
            return None
        return str(error.args[1])

    def commit(self) -> None:
        self.execute("COMMIT")

    def _use(self, schema: str | None) -> None:
        """Temporary tables need a database to be in, which the pool's URL may leave open."""
        if schema and fetch(self._connection, "SELECT DATABASE()") == [(None,)]:
            self._connection.select_db(schema)

    def _refuse_engine(self, table: TableName) -> None:
        if engine := engine_without_transactions(self._connection, table):
            raise StepRefused(
                f"Table '{table}' has the engine {engine}, which has no transactions: a sync that "
                "fails midway would leave some of its changes there. Give it the engine InnoDB."
            )

    def _collations(self, table: Table | None) -> dict[str, str]:
        """How texts compare in the table, by column in lower case."""
        if table is None:
            return {}
        found = fetch(self._connection, _COLLATIONS, [table.name.schema, table.name.table])
        return {name: f"CHARACTER SET {charset} COLLATE {rule}" for name, charset, rule in found}


def _definition(column: Column, collations: Mapping[str, str]) -> str:
    is_text = column.type.kind is Kind.TEXT
    collation = collations.get(column.name.lower(), "") if is_text else ""
    return f"{quote(column.name)} {column.type.native} {collation} NULL"


def _index(key: Sequence[Column]) -> list[str]:
    """An index for the search by the key, of as many characters as one may have."""
    indexed = [column for column in key if column.type.kind not in _CANNOT_BE_INDEXED]
    if not indexed:
        return []
    characters = _INDEX_CHARACTERS // len(indexed)
    return [f"INDEX ({', '.join(_indexed(column, characters) for column in indexed)})"]


def _indexed(column: Column, characters: int) -> str:
    is_long = column.type.kind in {Kind.TEXT, Kind.BYTES} and (column.type.size or 0) == 0
    is_longer = column.type.kind is Kind.TEXT and (column.type.size or 0) > characters
    length = f"({characters})" if is_long or is_longer else ""
    return f"{quote(column.name)}{length}"
