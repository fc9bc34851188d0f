"""Reads a SQLite table inside one read transaction."""

import json
import re
import sqlite3
import threading
from collections.abc import Generator, Sequence
from contextlib import suppress
from importlib.util import find_spec

from nomaflow.connectors.copies import ArrowSource, BadRow, CsvSource, Unsuited, Values
from nomaflow.connectors.dialects.spelling import selected
from nomaflow.connectors.dialects.sqlite import catalogue
from nomaflow.connectors.dialects.sqlite.types import TYPES, column_type
from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import Column, ColumnType, Query, Row, Rows, Table, TableName

_CHUNK_ROWS = 256
_ARROW = ("pyarrow", "adbc_driver_manager", "adbc_driver_sqlite")
_UNREADABLE = re.compile(r"Could not decode to UTF-8 column '(.*?)' with text", re.DOTALL)
_STORAGE = {
    frozenset[str](): "TEXT",
    frozenset({"integer"}): "INTEGER",
    frozenset({"real"}): "REAL",
    frozenset({"integer", "real"}): "REAL",
    frozenset({"text"}): "TEXT",
    frozenset({"blob"}): "BLOB",
}


class SqliteSource:
    """One connection with an open snapshot: writers go on, we do not see them."""

    types = TYPES

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def begin(self) -> None:
        self.connection.execute("BEGIN")
        self.connection.execute("SELECT 1 FROM sqlite_master").fetchone()

    def table(self, name: TableName) -> Table | None:
        return catalogue.table(self.connection, name)

    def select(
        self, table: Table, columns: Sequence[Column], where: Statement | None, values: Values
    ) -> Query:
        name = catalogue.quote(table.name.table)
        sql = f"SELECT {selected(columns, catalogue.quote)} FROM main.{name}"  # noqa: S608 - quoted
        if where is None:
            return Query(sql)
        condition = _bound(where, values)
        return Query(f"{sql} WHERE (\n{condition.sql}\n)", condition.params)

    def project(
        self, query: Query, columns: Sequence[Column], condition: str | None = None
    ) -> Query:
        sql = f"SELECT {selected(columns, catalogue.quote)} FROM (\n{query.sql}\n)"  # noqa: S608 - quoted
        return Query(f"{sql} WHERE {condition}" if condition else sql, query.params)

    def newest(self, query: Query, column: str) -> str | None:
        sql = f"SELECT max({catalogue.quote(column)}) FROM (\n{query.sql}\n)"  # noqa: S608 - quoted
        (found,) = self.connection.execute(sql, query.params).fetchone()
        return None if found is None else json.dumps(found)

    def digest(self, query: Query) -> str | None:  # noqa: ARG002 - there is no hash function
        return None

    def query(self, statement: Statement, values: Values) -> tuple[Table, Query]:
        view = "nomaflow_query"
        text = statement.rendered(lambda _: "NULL")[1]
        self.connection.execute(f"CREATE TEMP VIEW {view} AS {text}")
        columns = catalogue.view_columns(self.connection, view)
        self.connection.execute(f"DROP VIEW temp.{view}")
        return Table(TableName("query"), columns), _bound(statement, values)

    def observed(self, query: Query, columns: Sequence[str]) -> dict[str, ColumnType]:
        kinds = ", ".join(f"group_concat(DISTINCT typeof({catalogue.quote(c)}))" for c in columns)
        found = self.connection.execute(
            f"SELECT {kinds} FROM (\n{query.sql}\n)",  # noqa: S608 - the user's query
            query.params,
        ).fetchone()
        stored = {
            column: frozenset((kind or "").split(",")) - {"", "null"}
            for column, kind in zip(columns, found, strict=True)
        }
        return {
            column: column_type(_STORAGE[kinds])
            for column, kinds in stored.items()
            if kinds in _STORAGE
        }

    def parts(
        self,
        table: Table,
        columns: Sequence[Column],
        where: Statement | None,
        values: Values,
        number: int,  # noqa: ARG002 - one file is read by one reader
    ) -> Sequence[Query]:
        return [self.select(table, columns, where, values)]

    def about(self, query: Query) -> int | None:  # noqa: ARG002 - nothing is kept of a table
        return None

    def count(self, query: Query, seconds: float) -> int | None:
        limit = threading.Timer(seconds, self.connection.interrupt)
        limit.start()
        try:
            return int(
                self.connection.execute(
                    f"SELECT count(*) FROM (\n{query.sql}\n)",  # noqa: S608 - the user's query
                    query.params,
                ).fetchone()[0]
            )
        except sqlite3.OperationalError:
            return None
        finally:
            limit.cancel()
            limit.join()

    def rows(
        self,
        query: Query,
        columns: Sequence[Column],
        *,
        verbatim: bool,  # noqa: ARG002 - SQLite has one form
    ) -> Generator[Rows, None, None]:
        cursor = self.connection.execute(query.sql, query.params)
        done = 0
        try:
            while rows := cursor.fetchmany(_CHUNK_ROWS):
                yield rows
                done += len(rows)
        except sqlite3.OperationalError as error:
            if unreadable := _UNREADABLE.search(str(error)):
                raise self._bad_row(query, columns, unreadable[1], done) from None
            raise
        finally:
            with suppress(sqlite3.ProgrammingError):  # after a failure: its connection is closed
                cursor.close()

    def arrow(self) -> ArrowSource:
        if missing := [name for name in _ARROW if find_spec(name) is None]:
            raise Unsuited(f"{missing[0]} is not installed: pip install 'nomaflow[arrow]'")
        from nomaflow.connectors.dialects.sqlite.batches import SqliteBatches  # only where it is

        return SqliteBatches(self.connection)

    def csv(self) -> CsvSource:
        raise Unsuited("SQLite is not read as CSV")

    def end(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def _bad_row(
        self, query: Query, columns: Sequence[Column], column: str, done: int
    ) -> BadRow | sqlite3.OperationalError:
        """Read again what cannot be decoded, as bytes, to say where it stands."""
        place = [column.name for column in columns].index(column)
        cursor = self.connection.cursor()
        self.connection.text_factory = bytes
        for number, row in enumerate(cursor.execute(query.sql, query.params)):
            if number >= done and not _is_utf8(row[place]):
                return BadRow(_readable(row), column, "holds text that is not valid UTF-8")
        raise AssertionError("a text could not be decoded, and then all could")


def _bound(statement: Statement, values: Values) -> Query:
    names, text = statement.rendered(lambda _: "?")
    return Query(text, tuple(values[name] for name in names))


def _is_utf8(value: object) -> bool:
    try:
        return not isinstance(value, bytes) or value.decode() is not None
    except UnicodeDecodeError:
        return False


def _readable(row: Row) -> Row:
    return tuple(v.decode(errors="replace") if isinstance(v, bytes) else v for v in row)
