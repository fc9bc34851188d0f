"""Fills a SQL Server table: a stash first, then one transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import mssql_python

from nomaflow.connectors.copies import Choice, Shortcut, Source, Way
from nomaflow.connectors.dialects.mssql import catalogue, creating, stash, ways
from nomaflow.connectors.dialects.mssql.bulk import Bulk
from nomaflow.connectors.dialects.mssql.creating import listed
from nomaflow.connectors.dialects.mssql.failures import failure, lock_errors
from nomaflow.connectors.dialects.mssql.loading import Loading
from nomaflow.connectors.dialects.mssql.stash import CHANGE_MS, PATIENCE_MS, reference, said
from nomaflow.connectors.dialects.mssql.types import TYPES, quote
from nomaflow.connectors.dialects.spelling import respelled
from nomaflow.connectors.tables import Column, ColumnType, Kind, Row, Rows, Table, TableName
from nomaflow.errors import StepFailed

_SESSION: Final = "SET NOCOUNT ON; SET XACT_ABORT ON"
_BINARY: Final = "COLLATE Latin1_General_100_BIN2"
_WORDS: Final = {
    "VARCHAR(255)": f"nvarchar(255) {_BINARY}",
    "TEXT": "nvarchar(max)",
    "PRIMARY KEY": "PRIMARY KEY NONCLUSTERED",
}
_STAMP: Final = """
SELECT CONVERT(varchar(60), COALESCE(SUM(CAST(CAST(CAST(HASHBYTES('SHA2_256', j.doc)
    AS binary(7)) AS bigint) AS decimal(38,0))), 0))
FROM {table} AS t CROSS APPLY (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES) AS j(doc)
"""


class MssqlTarget:
    """One connection; what it does to the table is one transaction."""

    types = TYPES

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._stash: TableName | None = None
        self._loading: Loading | None = None
        self._narrow: Sequence[Column] = ()
        said(connection, _SESSION)
        connection.commit()

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self._connection, name)

    def home(self, name: TableName) -> TableName:
        return catalogue.home(self._connection, name)

    def known(self, column: ColumnType) -> bool:
        return creating.is_known(self._connection, column)

    def declared(self, words: str) -> ColumnType:
        return creating.declared_type(self._connection, words)

    def add_columns(self, name: TableName, columns: Sequence[Column]) -> None:
        added = ", ".join(map(creating.definition, columns))
        self._wait_at_most(PATIENCE_MS)
        try:
            self.execute(f"ALTER TABLE {reference(name)} ADD {added}")
        except BaseException:
            self.leave()
            raise
        self.commit()

    def begin(self, name: TableName) -> None:
        """The lock ends with the session, also when we are killed."""
        stash.hold(self._connection, name)
        stash.drop(self._connection, stash.stash_of(name))

    def ways(self, table: Table, key: Sequence[str]) -> Sequence[Choice]:
        return ways.ways(self._connection, table, key)

    def create_stash(self, columns: Sequence[Column], table: Table, way: Way) -> str:
        """An ordinary table, which other sessions see."""
        creating.refuse_types(columns)
        if way is Way.UPSERT:
            ways.refuse_upsert(self._connection, table, [column.name for column in columns])
        self._stash = stash.stash_of(table.name)
        if way is Way.CREATE:
            creating.create_stash(self._connection, self._stash, columns)
        else:
            self._narrow = [column for column in columns if creating.is_narrow(column)]
            creating.create_stash_like(self._connection, self._stash, table.name, columns)
        self.commit()
        self._loading = Loading(self._connection, self._here, columns)
        return self._here

    def shortcuts(self, source: Source) -> Sequence[Shortcut]:
        return (Bulk(source, self._connection, self._here),)

    def write(self, rows: Rows) -> int:
        if self._loading is None:
            raise RuntimeError("there is no stash yet")
        return self._loading.write(rows)

    def ripen(self, table: Table, way: Way) -> None:  # noqa: ARG002
        """Raises StepFailed for a character that its column's code page does not have."""
        for column in self._narrow:
            name, size = quote(column.name), column.type.size
            room = f"varchar({size or 'max'})"
            stored = f"CAST(CAST({name} AS {room}) AS nvarchar(max)) {_BINARY}"
            found = self.row(
                f"SELECT TOP (1) LEFT({name}, 80) FROM {self._here}"  # noqa: S608 - quoted
                f" WHERE {stored} <> {name} {_BINARY}"
            )
            if found is not None:
                raise StepFailed(
                    f"Column '{column.name}' is {column.type.native}, whose code page cannot hold "
                    f"{found[0]!r}. Make it n{column.type.native}. The target '{table.name}' is "
                    "unchanged."
                )

    def enter(self, table: Table, way: Way, keep: TableName | None) -> None:
        """Readers go on; who writes waits until the transaction has ended."""
        self._connection.commit()
        try:
            if way not in {Way.CREATE, Way.INSERT}:
                self._lock(table.name)
            self._wait_at_most(CHANGE_MS)
            if keep is not None:
                old, kept = reference(table.name), reference(keep)
                self.execute(f"SELECT * INTO {kept} FROM {old}")  # noqa: S608 - quoted
        except BaseException:
            self.leave()
            raise

    def _lock(self, name: TableName) -> None:
        self._wait_at_most(PATIENCE_MS)
        self.row(f"SELECT TOP (1) 1 FROM {reference(name)} WITH (TABLOCK, HOLDLOCK)")  # noqa: S608

    def _wait_at_most(self, milliseconds: int) -> None:
        said(self._connection, f"SET LOCK_TIMEOUT {milliseconds}")

    def take_place(self, table: Table) -> None:
        if self.table(table.name) is not None:
            raise StepFailed(f"Table '{table.name}' came into being meanwhile. Run the copy again.")
        creating.create(self._connection, table)
        names = [column.name for column in table.columns]
        self.execute(
            f"INSERT INTO {reference(table.name)} WITH (TABLOCK) ({listed(names)})"  # noqa: S608
            f" SELECT {listed(names)} FROM {self._here}"
        )

    def leave(self) -> None:
        self._connection.rollback()

    @contextmanager
    def replacing(self, table: Table) -> Iterator[None]:
        with ways.resting_triggers(self._connection, table.name):
            yield

    def insert_into(self, table: Table, columns: Sequence[str]) -> str:
        """Numbers that the server gives elsewhere are taken from us."""
        here = reference(table.name)
        given = ways.identity_of(self._connection, table.name) in columns
        numbered = f"SET IDENTITY_INSERT {here} ON;\n" if given else ""
        return f"{numbered}INSERT INTO {here} ({listed(columns)})"

    def delete_from(self, table: Table) -> str:
        return f"DELETE t FROM {reference(table.name)} AS t"

    def upsert(self, stash: str, table: Table, key: Sequence[str], columns: Sequence[str]) -> int:
        """Two statements: SQL Server's MERGE has too long a list of known faults."""
        here, others = reference(table.name), [name for name in columns if name not in key]
        same = " AND ".join(f"t.{quote(name)} = s.{quote(name)}" for name in key)
        updated = 0
        if others:
            new = ", ".join(f"t.{quote(name)} = s.{quote(name)}" for name in others)
            updated = self.execute(
                f"UPDATE t SET {new} FROM {here} AS t JOIN {stash} AS s ON {same}"  # noqa: S608
                f" WHERE EXISTS ({_differ(table, others)})"
            )
        values = ", ".join(f"s.{quote(name)}" for name in columns)
        return updated + self.execute(
            f"{self.insert_into(table, columns)} SELECT {values} FROM {stash} AS s"  # noqa: S608
            f" WHERE NOT EXISTS (SELECT 1 FROM {here} AS t WHERE {same})"
        )

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """The count is asked for: that of the driver would be the one of a trigger."""
        with lock_errors(), self._connection.cursor() as cursor:
            cursor.execute(f"{sql};\nSELECT ROWCOUNT_BIG()", list(params))
            ((count,),) = cursor.fetchall()
            return int(count)

    def row(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        with lock_errors(), self._connection.cursor() as cursor:
            cursor.execute(sql, list(params))
            found = cursor.fetchone()
            return None if found is None else tuple(found)

    def one_of(self, select: str, order: str = "", skip: int = 0) -> str:
        ordered = f"{select} ORDER BY {order or '(SELECT NULL)'}"
        return f"{ordered} OFFSET {skip} ROWS FETCH NEXT 1 ROWS ONLY"

    def place(self, number: int) -> str:  # noqa: ARG002 - they count by themselves
        return "?"

    def reference(self, name: TableName) -> str:
        return reference(name)

    def quote(self, name: str) -> str:
        return quote(name)

    def violation(self, error: Exception) -> str | None:
        return failure(error).message if isinstance(error, mssql_python.IntegrityError) else None

    def drop(self, name: TableName) -> bool:
        return stash.drop(self._connection, name)

    def stamp(self, name: TableName) -> str:
        """The sum of all rows' hashes, whatever their order."""
        found = self.row(_STAMP.format(table=reference(name)))
        return str(found[0]) if found else ""

    def changed_since(self, name: TableName, stamp: str, rows: int) -> bool:
        count = self.row(f"SELECT COUNT_BIG(*) FROM {reference(name)}")  # noqa: S608 - quoted
        return count != (rows,) or self.stamp(name) != stamp

    def make(self, name: TableName, definition: str) -> None:
        """Names that differ in case alone are two, whatever the database's collation."""
        if self.table(name) is None:
            self.execute(f"CREATE TABLE {reference(name)} ({respelled(definition, _WORDS)})")

    def commit(self) -> None:
        self._connection.commit()

    def discard(self) -> None:
        """What cannot be removed now is removed by the next copy into the table."""
        with suppress(mssql_python.Error):
            self.leave()
            if self._stash is not None:
                stash.drop(self._connection, self._stash)

    @property
    def _here(self) -> str:
        return reference(self._stash) if self._stash else ""


def _differ(table: Table, columns: Sequence[str]) -> str:
    """A query that gives a row if `t` and `s` are not the same in these columns; NULL is NULL."""
    known = {column.name: column for column in table.columns}
    ours, theirs = (
        ", ".join(_compared(known[name], side) for name in columns) for side in ("s", "t")
    )
    return f"SELECT {ours} EXCEPT SELECT {theirs}"


def _compared(column: Column, side: str) -> str:
    """Texts by their bytes: for a collation 'a' may be 'A', and is 'a ' always."""
    name = f"{side}.{quote(column.name)}"
    if column.type.kind is Kind.BYTES:
        return f"CAST({name} AS varbinary(max))"
    if column.type.kind not in {Kind.TEXT, Kind.JSON}:
        return name
    text = f"CAST({name} AS nvarchar(max))"
    return f"CAST({f'RTRIM({text})' if column.type.padded else text} AS varbinary(max))"
