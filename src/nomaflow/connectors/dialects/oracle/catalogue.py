"""What Oracle says about its tables."""

from typing import Any, Final

from nomaflow.connectors.dialects.oracle.types import column_type, conventional
from nomaflow.connectors.tables import Column, ColumnType, Kind, Rows, Table, TableName
from nomaflow.errors import StepRefused

_TABLE: Final = """
SELECT owner, object_name, object_type FROM all_objects
WHERE owner IN (NVL(:1, SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA')), UPPER(:2))
  AND object_name IN (:3, UPPER(:4)) AND object_type IN ('TABLE', 'VIEW', 'MATERIALIZED VIEW')
ORDER BY DECODE(owner, :5, 0, 1), DECODE(object_name, :6, 0, 1),
         DECODE(object_type, 'TABLE', 1, 0)
"""
_COLUMNS: Final = """
SELECT column_name, data_type, data_length, char_length, data_precision, data_scale, nullable,
       virtual_column, default_length
FROM all_tab_cols
WHERE owner = :1 AND table_name = :2 AND hidden_column = 'NO' ORDER BY column_id
"""
_KEYS: Final = """
SELECT k.constraint_type, k.constraint_name, c.column_name
FROM all_constraints k
JOIN all_cons_columns c ON c.owner = k.owner AND c.constraint_name = k.constraint_name
WHERE k.owner = :1 AND k.table_name = :2 AND k.constraint_type IN ('P', 'U')
  AND k.status = 'ENABLED' AND k.validated = 'VALIDATED'
ORDER BY DECODE(k.constraint_type, 'P', 0, 1), k.constraint_name, c.position
"""
_REFERENCES: Final = """
SELECT COUNT(*) FROM all_constraints f
JOIN all_constraints k ON k.owner = f.r_owner AND k.constraint_name = f.r_constraint_name
WHERE f.constraint_type = 'R' AND f.status = 'ENABLED' AND k.owner = :1 AND k.table_name = :2
  AND NOT (f.owner = k.owner AND f.table_name = k.table_name)
"""
_HOME: Final = """
SELECT username FROM all_users
WHERE username IN (NVL(:1, SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA')), UPPER(:2))
ORDER BY DECODE(username, :3, 0, 1)
"""
_DATABASE: Final = """
SELECT SYS_CONTEXT('USERENV', 'DB_UNIQUE_NAME'), SYS_CONTEXT('USERENV', 'CON_NAME') FROM DUAL
"""
_CHARACTERS: Final = frozenset({"CHAR", "NCHAR", "VARCHAR2", "NVARCHAR2"})


def fetched(connection: Any, sql: str, params: Any = ()) -> Rows:
    """The rows of a query that gives few; numbers are exact."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params), fetch_lobs=False, fetch_decimals=True)
        return list(cursor.fetchall())


def table(connection: Any, name: TableName) -> Table | None:
    """Facts of a table or view; its name as written, or else in upper case, as SQL has it."""
    schema = name.schema
    wanted = [schema, schema, name.table, name.table, schema, name.table]
    found = fetched(connection, _TABLE, wanted)
    if not found:
        return None
    owner, table_name, kind = found[0]
    keys = _keys(fetched(connection, _KEYS, [owner, table_name]))
    primary = next((columns for is_primary, columns in keys if is_primary), ())
    ((database, container),) = fetched(connection, _DATABASE)
    return Table(
        name=TableName(table_name, owner),
        columns=[_column(row) for row in fetched(connection, _COLUMNS, [owner, table_name])],
        primary_key=primary,
        unique_keys=tuple(columns for is_primary, columns in keys if not is_primary),
        writable=kind == "TABLE",
        referenced=fetched(connection, _REFERENCES, [owner, table_name]) not in ([], [(0,)]),
        identity=("oracle", database, container, owner, table_name),
    )


def home(connection: Any, name: TableName) -> TableName:
    """The table's name with its schema; one that is not there yet is called as SQL would call it.

    Raises StepRefused when there is no such schema.
    """
    schema = name.schema
    found = fetched(connection, _HOME, [schema, schema, schema])
    if not found:
        raise StepRefused(
            f"There is no schema '{schema}' for table '{name.table}'. Create the user, or correct "
            "`schema`."
        )
    place = TableName(name.table, found[0][0])
    known = table(connection, place)
    return TableName(conventional(name.table), place.schema) if known is None else known.name


def described(connection: Any, sql: str, params: Any) -> list[Column]:
    """The columns that a SELECT gives, asked of the server without running it to its end."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM (\n{sql}\n) q WHERE 1 = 0", list(params))  # noqa: S608
        return [Column(item[0], _described(item)) for item in cursor.description or ()]


def _column(row: tuple[Any, ...]) -> Column:
    name, native, length, characters, precision, scale, nullable, virtual, default = row
    size = characters if native in _CHARACTERS else length
    return Column(
        name=name,
        type=column_type(native, _whole(size), _whole(precision), _whole(scale)),
        nullable=nullable == "Y",
        generated=virtual == "YES",
        optional=nullable == "Y" or default is not None,
    )


def _whole(number: Any) -> int | None:
    return None if number is None else int(number)


def _keys(rows: Rows) -> list[tuple[bool, tuple[str, ...]]]:
    """Whether it is the primary key, and its columns in order, for each key."""
    columns: dict[tuple[bool, str], tuple[str, ...]] = {}
    for kind, constraint, column in rows:
        key = (kind == "P", constraint)
        columns[key] = (*columns.get(key, ()), column)
    return [(is_primary, names) for (is_primary, _), names in columns.items()]


def _described(item: Any) -> ColumnType:
    """From the driver's (name, type, size, bytes, precision, scale, nullable)."""
    native = _NATIVE.get(item[1].name)
    if native is None:
        return ColumnType(Kind.NATIVE, str(item[1].name).removeprefix("DB_TYPE_"))
    if native == "NUMBER":
        return column_type(native, None, *_number(item[4], item[5]))
    return column_type(native, item[2])


def _number(precision: int | None, scale: int | None) -> tuple[int | None, int | None]:
    """What is computed has no size; the driver says 0 and -127, or nothing."""
    if not precision or scale == _ANY_SCALE:
        return None, None
    return precision, scale


_ANY_SCALE: Final = -127
_NATIVE: Final = {
    "DB_TYPE_NUMBER": "NUMBER",
    "DB_TYPE_BINARY_FLOAT": "BINARY_FLOAT",
    "DB_TYPE_BINARY_DOUBLE": "BINARY_DOUBLE",
    "DB_TYPE_CHAR": "CHAR",
    "DB_TYPE_NCHAR": "NCHAR",
    "DB_TYPE_VARCHAR": "VARCHAR2",
    "DB_TYPE_NVARCHAR": "NVARCHAR2",
    "DB_TYPE_CLOB": "CLOB",
    "DB_TYPE_NCLOB": "NCLOB",
    "DB_TYPE_LONG": "LONG",
    "DB_TYPE_BLOB": "BLOB",
    "DB_TYPE_RAW": "RAW",
    "DB_TYPE_LONG_RAW": "LONG RAW",
    "DB_TYPE_DATE": "DATE",
    "DB_TYPE_TIMESTAMP": "TIMESTAMP(9)",
    "DB_TYPE_TIMESTAMP_TZ": "TIMESTAMP(9) WITH TIME ZONE",
    "DB_TYPE_TIMESTAMP_LTZ": "TIMESTAMP(9) WITH LOCAL TIME ZONE",
    "DB_TYPE_JSON": "JSON",
    "DB_TYPE_BOOLEAN": "BOOLEAN",
}
