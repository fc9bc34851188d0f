"""What SQL Server says about its tables. Names are found as the database's collation compares."""

from typing import Any, Final

from nomaflow.connectors.dialects.mssql.types import column_type
from nomaflow.connectors.tables import Column, Rows, Table, TableName
from nomaflow.errors import StepRefused

_TABLE: Final = """
SELECT s.name, o.name, o.type, o.object_id, @@SERVERNAME, DB_NAME()
FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id
WHERE o.type IN ('U', 'V') AND s.name = COALESCE(?, SCHEMA_NAME()) AND o.name = ?
"""
_COLUMNS: Final = """
SELECT c.name, t.name, c.max_length, c.precision, c.scale, c.is_nullable,
       CASE WHEN c.is_computed = 1 OR c.generated_always_type <> 0
             OR c.system_type_id = 189 THEN 1 ELSE 0 END,
       CASE WHEN c.default_object_id <> 0 OR c.is_identity = 1 THEN 1 ELSE 0 END
FROM sys.columns AS c
JOIN sys.types AS t ON t.user_type_id = CASE
    WHEN c.system_type_id = 240 OR EXISTS (SELECT 1 FROM sys.types AS own
        WHERE own.user_type_id = c.system_type_id) = 0 THEN c.user_type_id
    ELSE c.system_type_id END
WHERE c.object_id = ? AND c.is_hidden = 0 ORDER BY c.column_id
"""
_KEYS: Final = """
SELECT i.is_primary_key, i.index_id, c.name
FROM sys.indexes AS i
JOIN sys.index_columns AS x ON x.object_id = i.object_id AND x.index_id = i.index_id
JOIN sys.columns AS c ON c.object_id = x.object_id AND c.column_id = x.column_id
WHERE i.object_id = ? AND i.is_unique = 1 AND i.has_filter = 0 AND i.is_disabled = 0
  AND x.is_included_column = 0
ORDER BY i.is_primary_key DESC, i.index_id, x.key_ordinal
"""
_REFERENCES: Final = """
SELECT COUNT(*) FROM sys.foreign_keys
WHERE referenced_object_id = ? AND parent_object_id <> referenced_object_id AND is_disabled = 0
"""
_HOME: Final = "SELECT name FROM sys.schemas WHERE name = COALESCE(?, SCHEMA_NAME())"
_DESCRIBED: Final = """
SELECT name, system_type_name, error_message
FROM sys.dm_exec_describe_first_result_set(?, NULL, 0) WHERE is_hidden = 0 ORDER BY column_ordinal
"""
_SNAPSHOT: Final = """
SELECT snapshot_isolation_state, QUOTENAME(name) FROM sys.databases WHERE database_id = DB_ID()
"""
_WIDE: Final = frozenset({"nchar", "nvarchar"})
_SIZED: Final = frozenset({*_WIDE, "char", "varchar", "binary", "varbinary"})
_MOMENTS: Final = frozenset({"time", "datetime2", "datetimeoffset"})


def fetched(connection: Any, sql: str, params: Any = ()) -> Rows:
    """The rows of a query that gives few."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return [tuple(row) for row in cursor.fetchall()]


def table(connection: Any, name: TableName) -> Table | None:
    """Facts of a table or view."""
    found = fetched(connection, _TABLE, [name.schema, name.table])
    if not found:
        return None
    schema, table_name, kind, object_id, server, database = found[0]
    keys = _keys(fetched(connection, _KEYS, [object_id]))
    primary = next((columns for is_primary, columns in keys if is_primary), ())
    return Table(
        name=TableName(table_name, schema),
        columns=[_column(row) for row in fetched(connection, _COLUMNS, [object_id])],
        primary_key=primary,
        unique_keys=tuple(columns for is_primary, columns in keys if not is_primary),
        writable=kind.strip() == "U",
        referenced=fetched(connection, _REFERENCES, [object_id]) not in ([], [(0,)]),
        identity=("mssql", server, database, object_id),
    )


def home(connection: Any, name: TableName) -> TableName:
    """The name with its schema. Raises StepRefused when there is no such schema."""
    for (schema,) in fetched(connection, _HOME, [name.schema]):
        return TableName(name.table, schema)
    raise StepRefused(
        f"There is no schema '{name.schema}' for table '{name.table}'. Create it, or correct "
        "`schema`."
    )


def described(connection: Any, sql: str) -> list[Column]:
    """The columns that a SELECT without parameters gives, asked of the server."""
    rows = fetched(connection, _DESCRIBED, [sql])
    if rows and rows[0][2]:
        raise StepRefused(f"SQL Server cannot tell the columns of the query: {rows[0][2]}")
    return [Column(name, column_type(native)) for name, native, _ in rows]


def refuse_without_snapshot(connection: Any) -> None:
    """Raises StepRefused when the database keeps no versions of its rows for a reader."""
    ((state, name),) = fetched(connection, _SNAPSHOT)
    if state != 1:
        raise StepRefused(
            f"Database {name} does not allow snapshot isolation, so that a copy would read rows of "
            f"several instants, or lock them all. Run: ALTER DATABASE {name} SET "
            "ALLOW_SNAPSHOT_ISOLATION ON"
        )


def _column(row: tuple[Any, ...]) -> Column:
    name, native, length, precision, scale, nullable, computed, given = row
    return Column(
        name=name,
        type=column_type(_declaration(native, length, precision, scale)),
        nullable=bool(nullable),
        generated=bool(computed),
        optional=bool(nullable) or bool(given) or bool(computed),
    )


def _declaration(native: str, length: int, precision: int, scale: int) -> str:
    """`nvarchar(40)`, `varchar(max)`, `decimal(10,2)`, `datetime2(7)`."""
    if native in _SIZED:
        characters = length // 2 if native in _WIDE else length
        return f"{native}({'max' if length < 0 else characters})"
    if native in {"decimal", "numeric"}:
        return f"{native}({precision},{scale})"
    return f"{native}({scale})" if native in _MOMENTS else native


def _keys(rows: Rows) -> list[tuple[bool, tuple[str, ...]]]:
    """Whether it is the primary key, and its columns in order, for each unique index."""
    columns: dict[tuple[bool, int], tuple[str, ...]] = {}
    for is_primary, index, column in rows:
        key = (bool(is_primary), index)
        columns[key] = (*columns.get(key, ()), column)
    return [(is_primary, names) for (is_primary, _), names in columns.items()]
