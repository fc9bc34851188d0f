"""What DuckDB says about its tables. Names are found whatever their case."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import duckdb

from nomaflow.connectors.dialects.duckdb.expressions import quote
from nomaflow.connectors.dialects.duckdb.types import column_type
from nomaflow.connectors.dialects.spelling import qualified
from nomaflow.connectors.tables import Column, ColumnType, Row, Rows, Table, TableName
from nomaflow.errors import StepRefused

_HOME = """
SELECT schema_name FROM duckdb_schemas()
WHERE database_name = current_database() AND lower(schema_name) = lower($1)
"""
_TABLE = """
SELECT schema_name, table_name, true FROM duckdb_tables()
WHERE database_name = current_database() AND lower(schema_name) = lower($1)
  AND lower(table_name) = lower($2)
UNION ALL
SELECT schema_name, view_name, false FROM duckdb_views()
WHERE database_name = current_database() AND lower(schema_name) = lower($1)
  AND lower(view_name) = lower($2)
"""
_COLUMNS = """
SELECT column_name, data_type, is_nullable, column_default, is_generated FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
ORDER BY column_index
"""
_KEYS = """
SELECT constraint_type = 'PRIMARY KEY', constraint_column_names FROM duckdb_constraints()
WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
  AND constraint_type IN ('PRIMARY KEY', 'UNIQUE')
ORDER BY constraint_index
"""
_UNIQUE_INDEXES = """
SELECT expressions FROM duckdb_indexes()
WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2 AND is_unique
ORDER BY index_name
"""
_REFERENCED = """
SELECT count(*) FROM duckdb_constraints()
WHERE database_name = current_database() AND schema_name = $1 AND referenced_table = $2
"""
_FILE = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"


def first(connection: duckdb.DuckDBPyConnection, sql: str, params: Any = ()) -> Row | None:
    """The first of a few rows: what is left of a result keeps record batches from being read."""
    rows: Rows = connection.execute(sql, list(params)).fetchall()
    return rows[0] if rows else None


def reference(name: TableName) -> str:
    """A table as SQL takes it."""
    return qualified(name, quote)


def home(connection: duckdb.DuckDBPyConnection, name: TableName) -> TableName:
    """The name with its schema. Raises StepRefused when there is no such schema."""
    wanted = name.schema or "main"
    found = first(connection, _HOME, [wanted])
    if found is None:
        raise StepRefused(
            f"There is no schema '{wanted}' for table '{name.table}'. Create it, or correct "
            "`schema`."
        )
    return TableName(name.table, found[0])


def table(connection: duckdb.DuckDBPyConnection, name: TableName) -> Table | None:
    """Facts of a table or view."""
    found = first(connection, _TABLE, [name.schema or "main", name.table])
    if found is None:
        return None
    schema, table_name, writable = found
    keys = connection.execute(_KEYS, [schema, table_name]).fetchall()
    columns = connection.execute(_COLUMNS, [schema, table_name]).fetchall()
    referenced = first(connection, _REFERENCED, [schema, table_name])
    primary = next((tuple(names) for is_primary, names in keys if is_primary), ())
    unique = [tuple(names) for is_primary, names in keys if not is_primary]
    return Table(
        name=TableName(table_name, schema),
        columns=[_column(row, primary) for row in columns],
        primary_key=primary,
        unique_keys=(*unique, *_unique_indexes(connection, schema, table_name)),
        writable=writable,
        referenced=referenced is not None and referenced[0] > 0,
        identity=(_database(connection), schema.lower(), table_name.lower()),
    )


def described(connection: duckdb.DuckDBPyConnection, sql: str, params: Any) -> list[Column]:
    """The columns that a SELECT gives."""
    rows = connection.execute(f"DESCRIBE {sql}", params).fetchall()
    return [Column(row[0], column_type(row[1])) for row in rows]


def declared(connection: duckdb.DuckDBPyConnection, words: str) -> ColumnType | None:
    """The type that these words mean here; None when they mean none."""
    sql = f"DESCRIBE SELECT CAST(NULL AS {words})"
    try:
        alone = len(connection.extract_statements(sql)) == 1
        rows = connection.execute(sql).fetchall() if alone else []
    except duckdb.Error:
        return None
    return column_type(rows[0][1]) if len(rows) == 1 else None


def file_of(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The path of the database; None when it is in memory."""
    found = first(connection, _FILE)
    return found[0] if found else None


def _column(row: tuple[Any, ...], primary: tuple[str, ...]) -> Column:
    name, native, nullable, default, generated = row
    return Column(
        name=name,
        type=column_type(native),
        nullable=nullable and name not in primary,
        generated=generated,
        optional=(nullable and name not in primary) or default is not None or generated,
    )


def _unique_indexes(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str
) -> list[tuple[str, ...]]:
    """Those on columns alone, which are listed as `[a, "b c"]`."""
    known = {
        quote(row[0]): row[0] for row in connection.execute(_COLUMNS, [schema, name]).fetchall()
    }
    known |= {column: column for column in known.values()}
    listed = connection.execute(_UNIQUE_INDEXES, [schema, name]).fetchall()
    keys = [expressions[1:-1].split(", ") for (expressions,) in listed]
    return [tuple(known[item] for item in key) for key in keys if set(key) <= set(known)]


def _database(connection: duckdb.DuckDBPyConnection) -> Hashable:
    """The same for two paths of one file; of its own for a database in memory."""
    file = file_of(connection)
    if file is None:
        return ("duckdb", id(connection))
    status = Path(file).stat()
    return ("duckdb", status.st_dev, status.st_ino)
