"""What MySQL and MariaDB say about their tables. A schema is a database here."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import pymysql.connections
from pymysql.constants import FIELD_TYPE, FLAG

from nomaflow.connectors.dialects.mysql.expressions import quote
from nomaflow.connectors.dialects.mysql.types import column_type
from nomaflow.connectors.tables import Column, ColumnType, Kind, Table, TableName
from nomaflow.errors import StepRefused

Connection: TypeAlias = "pymysql.connections.Connection[Any]"  # generic in its stubs alone

_RELATION = """
SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s
"""
_COLUMNS = """
SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE = 'YES', COALESCE(GENERATION_EXPRESSION, '') <> '',
       COLUMN_DEFAULT IS NOT NULL OR EXTRA LIKE '%%auto_increment%%'
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION
"""
_KEYS = """
SELECT INDEX_NAME, COLUMN_NAME, SUB_PART IS NULL
FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX
"""
_JSON_CHECKS = """
SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS
WHERE CONSTRAINT_SCHEMA = %s AND TABLE_NAME = %s AND CHECK_CLAUSE LIKE 'json_valid(%%'
"""
_REFERENCES = """
SELECT EXISTS (
  SELECT 1 FROM information_schema.KEY_COLUMN_USAGE
  WHERE REFERENCED_TABLE_SCHEMA = %s AND REFERENCED_TABLE_NAME = %s
    AND NOT (TABLE_SCHEMA = REFERENCED_TABLE_SCHEMA AND TABLE_NAME = REFERENCED_TABLE_NAME))
"""
_SERVER = "SELECT @@hostname, @@port, @@datadir"
_PRIMARY = "PRIMARY"
_BINARY_CHARSET = 63
_BYTES_PER_CHARACTER = 4
_LONGEST_VARCHAR = 16_383


class _Attribute(NamedTuple):
    """A row of the catalogue about one column."""

    name: str
    native: str
    nullable: int
    generated: int
    has_default: int

    def column(self, json: Sequence[str]) -> Column:
        kind = column_type("json" if self.name in json else self.native)
        optional = bool(self.nullable or self.has_default)
        return Column(self.name, kind, bool(self.nullable), bool(self.generated), optional)


def is_mariadb(connection: Connection) -> bool:
    """Whether the server is a MariaDB, and no MySQL."""
    ((version,),) = fetch(connection, "SELECT VERSION()")
    return "mariadb" in version.lower()


def fetch(
    connection: Connection, sql: str, params: Sequence[Any] | None = None
) -> list[tuple[Any, ...]]:
    """All rows of a query; a percent sign means something in it if there are parameters."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def home(connection: Connection, name: TableName) -> TableName:
    """The name with its database. Raises StepRefused when that does not exist."""
    if name.schema is None:
        ((current,),) = fetch(connection, "SELECT DATABASE()")
        if current is None:
            raise StepRefused(
                f"The pool's URL names no database, for table '{name.table}'. Add one to the URL, "
                "or say it in the step's `schema`."
            )
        return TableName(name.table, current)
    found = fetch(
        connection,
        "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s",
        [name.schema],
    )
    if not found:
        raise StepRefused(
            f"The server does not have database '{name.schema}', for table '{name.table}'. Create "
            "it, or correct the step's `schema`."
        )
    return TableName(name.table, found[0][0])


def table(connection: Connection, name: TableName) -> Table | None:
    """Facts of a table or view."""
    place = home(connection, name)
    found = _relation(connection, place)
    if found is None:
        return None
    true_name, is_table = found
    where = [true_name.schema, true_name.table]
    keys = _keys(fetch(connection, _KEYS, where))
    ((referenced,),) = fetch(connection, _REFERENCES, where)
    json = _json_columns(connection, where)
    return Table(
        name=true_name,
        columns=[_Attribute(*row).column(json) for row in fetch(connection, _COLUMNS, where)],
        primary_key=keys.pop(_PRIMARY, ()),
        unique_keys=tuple(keys.values()),
        writable=is_table,
        referenced=bool(referenced),
        identity=("mysql", *fetch(connection, _SERVER)[0], true_name.schema, true_name.table),
    )


def _relation(connection: Connection, place: TableName) -> tuple[TableName, bool] | None:
    """The name as it is spelled there; the catalogue's own comparison overlooks the case."""
    ((folds,),) = fetch(connection, "SELECT @@lower_case_table_names")
    for schema, name, is_table in fetch(connection, _RELATION, [place.schema, place.table]):
        if folds or name == place.table:
            return TableName(name, schema), bool(is_table)
    return None


def _keys(rows: Sequence[tuple[Any, ...]]) -> dict[str, tuple[str, ...]]:
    """Unique indexes by name; not those on an expression or a part of a column."""
    found: dict[str, list[str | None]] = {}
    for index, column, is_whole in rows:
        found.setdefault(index, []).append(column if is_whole else None)
    return {
        index: tuple(filter(None, columns))
        for index, columns in found.items()
        if None not in columns
    }


def _json_columns(connection: Connection, where: Sequence[Any]) -> list[str]:
    """Where JSON is a check of a text: in MariaDB."""
    if not is_mariadb(connection):
        return []
    clauses = {clause for (clause,) in fetch(connection, _JSON_CHECKS, where)}
    names = (row[0] for row in fetch(connection, _COLUMNS, where))
    return [name for name in names if f"json_valid({quote(name)})" in clauses]


def described(connection: Connection, sql: str) -> list[Column]:
    """The columns that a query gives; it is asked for no row."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM (\n{sql}\n) AS q LIMIT 0")  # noqa: S608 - the user's query
        fields: Any = cursor._result.fields
    return [Column(field.name, _described(field)) for field in fields]


def _described(field: Any) -> ColumnType:
    """What the protocol says of a column, in the words of the catalogue."""
    code, flags = field.type_code, field.flags
    if flags & (FLAG.ENUM | FLAG.SET):
        return column_type("enum")
    if code in _NUMBERS:
        size = "(1)" if code == FIELD_TYPE.TINY and field.length == 1 else ""
        sign = " unsigned" if flags & FLAG.UNSIGNED else ""
        return column_type(f"{_NUMBERS[code]}{size}{sign}")
    if code in {FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL}:
        return column_type(_decimal(field))
    if code in _MOMENTS:
        return column_type(f"{_MOMENTS[code]}({field.scale})")
    if code == FIELD_TYPE.BIT:
        return column_type(f"bit({field.length})")
    return column_type(_NAMES[code]) if code in _NAMES else _text(field)


def _decimal(field: Any) -> str:
    """Its length counts the point and the sign."""
    digits = field.length - bool(field.scale) - (not field.flags & FLAG.UNSIGNED)
    return f"decimal({digits},{field.scale})"


def _text(field: Any) -> ColumnType:
    if field.charsetnr == _BINARY_CHARSET and field.type_code != FIELD_TYPE.NULL:
        return ColumnType(Kind.BYTES, "longblob")
    length = field.length // _BYTES_PER_CHARACTER
    if not 1 <= length <= _LONGEST_VARCHAR or field.flags & FLAG.BLOB:
        return column_type("longtext")
    return column_type(f"{'char' if field.type_code == FIELD_TYPE.STRING else 'varchar'}({length})")


_NUMBERS = {
    FIELD_TYPE.TINY: "tinyint",
    FIELD_TYPE.SHORT: "smallint",
    FIELD_TYPE.INT24: "mediumint",
    FIELD_TYPE.LONG: "int",
    FIELD_TYPE.LONGLONG: "bigint",
}
_MOMENTS = {
    FIELD_TYPE.TIME: "time",
    FIELD_TYPE.DATETIME: "datetime",
    FIELD_TYPE.TIMESTAMP: "timestamp",
}
_NAMES = {
    FIELD_TYPE.FLOAT: "float",
    FIELD_TYPE.DOUBLE: "double",
    FIELD_TYPE.YEAR: "year",
    FIELD_TYPE.DATE: "date",
    FIELD_TYPE.NEWDATE: "date",
    FIELD_TYPE.JSON: "json",
    FIELD_TYPE.GEOMETRY: "geometry",
}
