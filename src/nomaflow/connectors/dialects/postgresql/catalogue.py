"""What PostgreSQL says about its tables."""

import re
from typing import Any, NamedTuple

import psycopg

from nomaflow.connectors.dialects.postgresql.types import column_type
from nomaflow.connectors.tables import Column, ColumnType, Table, TableName
from nomaflow.errors import StepRefused

_RELATION = """
SELECT c.oid, n.nspname, c.relname, c.relkind IN ('r', 'p'),
       EXISTS (SELECT 1 FROM pg_constraint f
               WHERE f.confrelid = c.oid AND f.contype = 'f' AND f.conrelid <> c.oid),
       pg_postmaster_start_time()::text, current_database()
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""
_TYPE = """
CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, NULL) ELSE format_type(t.oid, NULL) END,
CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE {modifier} END,
t.typtype = 'e'
"""
_COLUMNS = f"""
SELECT a.attname, format_type(a.atttypid, a.atttypmod), {_TYPE.format(modifier="a.atttypmod")},
       NOT (a.attnotnull OR t.typnotnull), a.attgenerated <> '',
       NOT a.attnotnull OR a.atthasdef OR a.attidentity <> ''
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""  # noqa: S608 - constant
_KEYS = """
SELECT i.indisprimary, array_agg(a.attname ORDER BY k.place)
FROM pg_index i
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
  AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
GROUP BY i.indexrelid, i.indisprimary ORDER BY i.indisprimary DESC, i.indexrelid
"""
_TYPE_WORDS = re.compile(r"""(?:[\w. ]|"[^"]+")+(?:\([\d, ]+\))?[\w ]*(?:\[\d*\])*""")
_DESCRIBED = f"""
SELECT format_type(t.oid, %s::int), {_TYPE.format(modifier="%s::int")} FROM pg_type t
WHERE t.oid = %s::oid
"""  # noqa: S608 - constant


class Relation(NamedTuple):
    """A row of the catalogue about one table or view."""

    oid: int
    schema: str
    table: str
    is_table: bool
    is_referenced: bool
    started_at: str
    database: str


class _Attribute(NamedTuple):
    """A row of the catalogue about one column."""

    name: str
    native: str
    base: str
    modifier: int
    is_enum: bool
    nullable: bool
    generated: bool
    optional: bool

    def column(self) -> Column:
        kind = column_type(self.native, self.base, self.modifier, is_enum=self.is_enum)
        return Column(self.name, kind, self.nullable, self.generated, self.optional)


def home(connection: psycopg.Connection[Any], name: TableName) -> TableName:
    """The name with its schema. Raises StepRefused when that does not exist."""
    sql = (
        "SELECT current_schema()"
        if name.schema is None
        else "SELECT nspname FROM pg_namespace WHERE nspname = %s"
    )
    found = connection.execute(sql, [name.schema] if name.schema else None).fetchone()
    if found is None or found[0] is None:
        place = f"schema '{name.schema}'" if name.schema else "a schema in the search_path"
        raise StepRefused(
            f"Database '{connection.info.dbname}' does not have {place}, for table "
            f"'{name.table}'. Create it, or correct the step's `schema`."
        )
    return TableName(name.table, found[0])


def table(connection: psycopg.Connection[Any], name: TableName) -> Table | None:
    """Facts of a table or view."""
    place = home(connection, name)
    found = connection.execute(_RELATION, [place.schema, place.table]).fetchone()
    if found is None:
        return None
    relation = Relation(*found)
    keys = connection.execute(_KEYS, [relation.oid]).fetchall()
    return Table(
        name=place,
        columns=[_Attribute(*row).column() for row in connection.execute(_COLUMNS, [relation.oid])],
        primary_key=next((tuple(columns) for primary, columns in keys if primary), ()),
        unique_keys=tuple(tuple(columns) for primary, columns in keys if not primary),
        writable=relation.is_table,
        referenced=relation.is_referenced,
        identity=("postgresql", relation.started_at, relation.database, relation.oid),
    )


def described_type(connection: psycopg.Connection[Any], oid: int, modifier: int) -> ColumnType:
    """The type of a query's column."""
    native, base, bare, is_enum = connection.execute(
        _DESCRIBED, [modifier, modifier, oid]
    ).fetchone() or ("unknown", "unknown", -1, False)
    return column_type(native, base, bare, is_enum=is_enum)


def declared_type(connection: psycopg.Connection[Any], words: str) -> ColumnType:
    """The type that such words declare. Raises StepRefused when there is none."""
    try:
        if not _TYPE_WORDS.fullmatch(words):
            raise StepRefused(f"'{words}' is no type. Write one such as numeric(10,2).")
        with connection.transaction():
            cursor = connection.execute(f"SELECT CAST(NULL AS {words}) LIMIT 0")
            result = cursor.pgresult
            assert result is not None  # noqa: S101 - a SELECT has a result
            return described_type(connection, result.ftype(0), result.fmod(0))
    except (psycopg.errors.UndefinedObject, psycopg.errors.SyntaxError, psycopg.DataError) as error:
        reason = error.diag.message_primary
        raise StepRefused(f"PostgreSQL has no type '{words}': {reason}.") from None
