"""Everything that hangs on a PostgreSQL table, as statements that make it again on a stash.

Definitions are read with nothing but pg_catalog in the search path, so that every name in them is
written with its schema.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg
from psycopg import RawCursor

IT = """
WITH it AS (
    SELECT c.*, c.oid::regclass::text AS reference, n.nspname, $2::text AS stash_name,
           format('%I.%I', n.nspname, $2::text) AS stash
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid
)
"""
_CREATE = """
SELECT format('CREATE %sTABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES EXCLUDING CONSTRAINTS'
              ' EXCLUDING STATISTICS EXCLUDING COMMENTS) USING %I%s%s',
              CASE it.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, it.stash, it.reference,
              m.amname, ' WITH (' || options.listed || ')',
              ' TABLESPACE ' || quote_ident(s.spcname))
FROM it JOIN pg_am m ON m.oid = it.relam
LEFT JOIN pg_tablespace s ON s.oid = it.reltablespace
LEFT JOIN pg_class toast ON toast.oid = it.reltoastrelid
CROSS JOIN LATERAL (
    SELECT string_agg(prefix || format('%s=%L', split_part(option, '=', 1),
                                       substr(option, strpos(option, '=') + 1)), ', ') AS listed
    FROM (SELECT '' AS prefix, unnest(it.reloptions) AS option
          UNION ALL SELECT 'toast.', unnest(toast.reloptions)) AS o
) AS options
UNION ALL
SELECT format('ALTER TABLE %s OWNER TO %I', it.stash, pg_get_userbyid(it.relowner))
FROM it WHERE pg_get_userbyid(it.relowner) <> current_user
"""
_COLUMNS = """
SELECT format('%s %s %s %s %s %s %s', a.attname, format_type(a.atttypid, a.atttypmod),
              a.attnotnull, a.attidentity, a.attgenerated, a.attcollation,
              pg_get_expr(d.adbin, d.adrelid))
FROM it JOIN pg_attribute a ON a.attrelid = it.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum ORDER BY a.attnum
"""
_SETTINGS = """
SELECT format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s', it.stash, a.attname,
              a.attstattarget)
FROM it JOIN pg_attribute a ON a.attrelid = it.oid AND a.attnum > 0 AND a.attstattarget >= 0
WHERE NOT a.attisdropped
UNION ALL
SELECT format('ALTER TABLE %s ALTER COLUMN %I SET (%s)', it.stash, a.attname,
              array_to_string(a.attoptions, ', '))
FROM it JOIN pg_attribute a ON a.attrelid = it.oid AND a.attoptions IS NOT NULL
WHERE NOT a.attisdropped ORDER BY 1
"""
_CHECKS = """
SELECT format('ADD CONSTRAINT %I %s', c.conname, pg_get_constraintdef(c.oid))
FROM it JOIN pg_constraint c ON c.conrelid = it.oid AND c.contype = 'c' ORDER BY c.conname
"""
_INDEXES = """
SELECT x.name, x.temporary, x.tablespace,
       CASE WHEN x.exclusion IS NOT NULL
            THEN format('ALTER TABLE %s ADD CONSTRAINT %I %s', x.stash, x.temporary, x.exclusion)
            WHEN starts_with(x.definition, x.head)
            THEN format('CREATE %sINDEX %I ON %s USING ', x.uniqueness, x.temporary, x.stash)
                 || substr(x.definition, length(x.head) + 1) END,
       format('ALTER TABLE %s ADD CONSTRAINT %I', x.stash, x.temporary)
       || format(x.key, x.temporary), x.is_constraint
FROM (
    SELECT c.relname AS name, it.stash, coalesce(s.spcname, '') AS tablespace,
           format('%s_%s', it.stash_name, row_number() OVER (ORDER BY c.relname)) AS temporary,
           CASE WHEN i.indisexclusion THEN pg_get_constraintdef(r.oid) END AS exclusion,
           CASE r.contype WHEN 'p' THEN ' PRIMARY KEY' WHEN 'u' THEN ' UNIQUE' END
           || ' USING INDEX %I' || CASE WHEN r.condeferrable THEN ' DEFERRABLE' ELSE '' END
           || CASE WHEN r.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END AS key,
           u.uniqueness, r.oid IS NOT NULL AS is_constraint,
           format('CREATE %sINDEX %I ON %s USING ', u.uniqueness, c.relname, it.reference) AS head,
           CASE WHEN i.indisvalid THEN pg_get_indexdef(i.indexrelid) ELSE '' END AS definition
    FROM it JOIN pg_index i ON i.indrelid = it.oid JOIN pg_class c ON c.oid = i.indexrelid
    CROSS JOIN LATERAL (
        SELECT CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END AS uniqueness) AS u
    LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
    LEFT JOIN pg_constraint r ON r.conindid = i.indexrelid AND r.conrelid = it.oid
                             AND r.contype IN ('p', 'u', 'x')
) AS x ORDER BY x.name
"""
_INDEX_SETTINGS = """
SELECT setting.statement FROM it JOIN (
    SELECT i.indrelid, i.indexrelid, i.indisexclusion, c.reloptions,
           format('%s_%s', $2::text, row_number() OVER (ORDER BY c.relname)) AS temporary
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::oid
) AS n ON n.indrelid = it.oid
CROSS JOIN LATERAL (
    SELECT format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', it.nspname, n.temporary,
                  a.attnum, a.attstattarget) AS statement
    FROM pg_attribute a WHERE a.attrelid = n.indexrelid AND a.attstattarget >= 0
    UNION ALL
    SELECT format('ALTER INDEX %I.%I SET (%s)', it.nspname, n.temporary,
                  array_to_string(n.reloptions, ', '))
    WHERE n.indisexclusion AND n.reloptions IS NOT NULL
) AS setting ORDER BY 1
"""
_STATISTICS = """
SELECT x.schema, x.name, x.temporary,
       CASE WHEN starts_with(x.definition, x.head) AND right(x.definition, length(x.tail)) = x.tail
            THEN format('CREATE STATISTICS %I.%I%s FROM %s', x.schema, x.temporary,
                        substr(x.definition, length(x.head) + 1, length(x.definition)
                               - length(x.head) - length(x.tail)), x.stash) END,
       x.target
FROM (
    SELECT n.nspname AS schema, s.stxname AS name, it.stash,
           coalesce(s.stxstattarget, -1) AS target,
           format('%s_s%s', it.stash_name, row_number() OVER (ORDER BY s.oid)) AS temporary,
           format('CREATE STATISTICS %I.%I', n.nspname, s.stxname) AS head,
           format(' FROM %s', it.reference) AS tail, pg_get_statisticsobjdef(s.oid) AS definition
    FROM it JOIN pg_statistic_ext s ON s.stxrelid = it.oid
    JOIN pg_namespace n ON n.oid = s.stxnamespace
) AS x ORDER BY x.name
"""
_FOREIGN_KEYS = """
SELECT c.conname, format('%s%s', pg_get_constraintdef(c.oid),
                         CASE WHEN c.convalidated THEN ' NOT VALID' ELSE '' END),
       c.convalidated, c.confrelid::regclass::text,
       has_table_privilege(c.confrelid, 'UPDATE, DELETE, TRUNCATE')
FROM it JOIN pg_constraint c ON c.conrelid = it.oid AND c.contype = 'f' ORDER BY c.conname
"""
_SEQUENCES = """
SELECT s.oid, a.attname, s.oid::regclass::text, n.nspname, s.relname, a.attidentity <> ''
FROM it JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = it.oid
                        AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_namespace n ON n.oid = s.relnamespace
JOIN pg_attribute a ON a.attrelid = it.oid AND a.attnum = d.refobjsubid ORDER BY a.attnum
"""
_VIEWS = """
SELECT v.oid::regclass::text,
       format('CREATE OR REPLACE VIEW %s%s AS %s', v.oid::regclass,
              ' WITH (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid)),
       format('ALTER VIEW %s OWNER TO %I', v.oid::regclass, pg_get_userbyid(v.relowner))
FROM it JOIN pg_class v ON v.relkind = 'v' AND v.oid IN (
    SELECT r.ev_class FROM pg_rewrite r JOIN pg_depend d
        ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = it.oid
       OR d.refclassid = 'pg_constraint'::regclass AND d.refobjid IN (
            SELECT c.oid FROM pg_constraint c WHERE c.conrelid = it.oid))
ORDER BY v.oid
"""
_GRANTS = """
SELECT g.statement FROM it JOIN pg_class r ON r.oid = $3::oid CROSS JOIN LATERAL (
    SELECT 1 AS place,
           format('GRANT %s ON %s TO %s%s', acl.privilege_type, coalesce($4::text, it.reference),
                  w.grantee, CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
               AS statement
    FROM aclexplode(coalesce(r.relacl, acldefault(
        CASE r.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, r.relowner))) AS acl
    CROSS JOIN LATERAL (SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC'
        ELSE quote_ident(pg_get_userbyid(acl.grantee)) END AS grantee) AS w
    UNION ALL
    SELECT 2, format('GRANT %s (%I) ON %s TO %s%s', acl.privilege_type, a.attname,
                     coalesce($4::text, it.reference), w.grantee,
                     CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_attribute a CROSS JOIN LATERAL aclexplode(a.attacl) AS acl
    CROSS JOIN LATERAL (SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC'
        ELSE quote_ident(pg_get_userbyid(acl.grantee)) END AS grantee) AS w
    WHERE a.attrelid = r.oid AND NOT a.attisdropped
) AS g ORDER BY g.place, g.statement
"""
_AGAIN = """
SELECT again.statement FROM it CROSS JOIN LATERAL (
    SELECT 1 AS place, t.tgname AS name, pg_get_triggerdef(t.oid) AS statement
    FROM pg_trigger t WHERE t.tgrelid = it.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT 2, t.tgname, format('ALTER TABLE %s %s TRIGGER %I', it.reference,
        CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
                         ELSE 'ENABLE REPLICA' END, t.tgname)
    FROM pg_trigger t WHERE t.tgrelid = it.oid AND NOT t.tgisinternal AND t.tgenabled <> 'O'
    UNION ALL
    SELECT 3, p.polname, format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', p.polname,
        it.reference, CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
        CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                      WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
        (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC'
                           ELSE quote_ident(pg_get_userbyid(role)) END, ', ')
         FROM unnest(p.polroles) AS role),
        ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
        ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
    FROM pg_policy p WHERE p.polrelid = it.oid
    UNION ALL
    SELECT 4, '', format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', it.reference)
    WHERE it.relrowsecurity
    UNION ALL
    SELECT 4, '', format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', it.reference)
    WHERE it.relforcerowsecurity
    UNION ALL
    SELECT 5, c.relname, format('ALTER TABLE %s CLUSTER ON %I', it.reference, c.relname)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = it.oid AND i.indisclustered
    UNION ALL
    SELECT 5, '', format('ALTER TABLE %s REPLICA IDENTITY %s', it.reference,
        CASE it.relreplident WHEN 'n' THEN 'NOTHING' WHEN 'f' THEN 'FULL' ELSE (
            SELECT 'USING INDEX ' || quote_ident(c.relname)
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid = it.oid AND i.indisreplident) END)
    WHERE it.relreplident <> 'd'
    UNION ALL
    SELECT 6, named.identity, format('COMMENT ON %s %s IS %L',
        CASE named.type WHEN 'table column' THEN 'COLUMN' WHEN 'table constraint' THEN 'CONSTRAINT'
                        WHEN 'statistics object' THEN 'STATISTICS' ELSE upper(named.type) END,
        named.identity, d.description)
    FROM pg_description d CROSS JOIN LATERAL
        pg_identify_object(d.classoid, d.objoid, d.objsubid) AS named
    WHERE (d.classoid, d.objoid) IN (
        SELECT 'pg_class'::regclass, it.oid
        UNION ALL SELECT 'pg_class'::regclass, indexrelid FROM pg_index WHERE indrelid = it.oid
        UNION ALL SELECT 'pg_constraint'::regclass, c.oid FROM pg_constraint c
                  WHERE c.conrelid = it.oid
        UNION ALL SELECT 'pg_trigger'::regclass, t.oid FROM pg_trigger t WHERE t.tgrelid = it.oid
        UNION ALL SELECT 'pg_policy'::regclass, p.oid FROM pg_policy p WHERE p.polrelid = it.oid
        UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid FROM pg_statistic_ext s
                  WHERE s.stxrelid = it.oid
        UNION ALL SELECT 'pg_class'::regclass, s.objid FROM pg_depend s
                  WHERE s.refclassid = 'pg_class'::regclass AND s.refobjid = it.oid
                    AND s.classid = 'pg_class'::regclass AND s.deptype = 'i')
) AS again ORDER BY again.place, again.name
"""
_SHAPE = (
    *(_CREATE, _COLUMNS, _SETTINGS, _CHECKS, _INDEXES, _INDEX_SETTINGS, _STATISTICS),
    *(_FOREIGN_KEYS, _SEQUENCES),
)
_FINGERPRINT = """
SELECT md5(string_agg(f.row, ',' ORDER BY f.row)) FROM it CROSS JOIN LATERAL (
    SELECT format('%s %s', c.oid, c.xmin) AS row FROM pg_class c WHERE c.oid = it.oid
    UNION ALL SELECT format('a %s %s', a.attnum, a.xmin)
              FROM pg_attribute a WHERE a.attrelid = it.oid
    UNION ALL SELECT format('i %s %s', i.indexrelid, i.xmin)
              FROM pg_index i WHERE i.indrelid = it.oid
    UNION ALL SELECT format('c %s %s', c.oid, c.xmin)
              FROM pg_constraint c WHERE c.conrelid = it.oid
    UNION ALL SELECT format('t %s %s', t.oid, t.xmin) FROM pg_trigger t WHERE t.tgrelid = it.oid
    UNION ALL SELECT format('p %s %s', p.oid, p.xmin) FROM pg_policy p WHERE p.polrelid = it.oid
    UNION ALL SELECT format('s %s %s', s.oid, s.xmin)
              FROM pg_statistic_ext s WHERE s.stxrelid = it.oid
    UNION ALL SELECT format('d %s %s', d.objid, d.xmin) FROM pg_depend d
              WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = it.oid
                 OR d.refclassid = 'pg_type'::regclass AND d.refobjid = it.reltype
    UNION ALL SELECT format('n %s %s', n.objsubid, n.xmin) FROM pg_description n
              WHERE n.classoid = 'pg_class'::regclass AND n.objoid = it.oid
) AS f
"""


class Index(NamedTuple):
    """An index, and how its twin is built on the stash; `statement` None: it cannot be.

    `attach` then makes it a key, if it is one.
    """

    name: str
    temporary: str
    tablespace: str
    statement: str | None
    attach: str | None
    is_constraint: bool


class Statistics(NamedTuple):
    """An extended statistics object, and how its twin is made on the stash."""

    schema: str
    name: str
    temporary: str
    statement: str | None
    target: int


class ForeignKey(NamedTuple):
    """A foreign key of the table to `parent`; `lockable`: we may lock that."""

    name: str
    definition: str
    valid: bool
    parent: str
    lockable: bool


class OwnedSequence(NamedTuple):
    """A sequence that belongs to a column; `identity`: it lives and dies with the column."""

    oid: int
    column: str
    reference: str
    schema: str
    name: str
    identity: bool


class View(NamedTuple):
    """A view on the table; `lock` is a statement that locks it and changes nothing."""

    reference: str
    statement: str
    lock: str


@dataclass(frozen=True)
class Shape:
    """What a stash must have before it can take the table's place."""

    create: tuple[str, ...]
    columns: tuple[str, ...]
    settings: tuple[str, ...]
    checks: tuple[str, ...]
    indexes: tuple[Index, ...]
    index_settings: tuple[str, ...]
    statistics: tuple[Statistics, ...]
    foreign_keys: tuple[ForeignKey, ...]
    sequences: tuple[OwnedSequence, ...]


@dataclass(frozen=True)
class Surroundings:
    """What is said again once the stash bears the table's name."""

    views: tuple[View, ...]
    grants: tuple[str, ...]
    again: tuple[str, ...]


@contextmanager
def catalogue_alone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """While it is open, every name that the server writes has its schema."""
    with connection.transaction():
        connection.execute("SET LOCAL search_path = pg_catalog")
        yield


def shape(connection: psycopg.Connection[Any], oid: int, stash: str) -> Shape:
    """The shape of the table `oid`, for a stash of that name in the table's schema."""
    create, columns, settings, checks, indexes, index_settings, statistics, keys, sequences = asked(
        connection, [(sql, [oid, stash]) for sql in _SHAPE]
    )
    return Shape(
        create=_texts(create),
        columns=_texts(columns),
        settings=_texts(settings),
        checks=_texts(checks),
        indexes=tuple(Index(*row) for row in indexes),
        index_settings=_texts(index_settings),
        statistics=tuple(Statistics(*row) for row in statistics),
        foreign_keys=tuple(ForeignKey(*row) for row in keys),
        sequences=tuple(OwnedSequence(*row) for row in sequences),
    )


def surroundings(connection: psycopg.Connection[Any], oid: int, of: Shape) -> Surroundings:
    """What surrounds the table `oid` now."""
    named = [(each.oid, f"SEQUENCE {each.reference}") for each in of.sequences if each.identity]
    views, again, *grants = asked(
        connection,
        [
            (_VIEWS, [oid, ""]),
            (_AGAIN, [oid, ""]),
            *((_GRANTS, [oid, "", *relation]) for relation in [(oid, None), *named]),
        ],
    )
    return Surroundings(
        views=tuple(View(*row) for row in views),
        grants=tuple(text for found in grants for text in _texts(found)),
        again=_texts(again),
    )


def fingerprint(connection: psycopg.Connection[Any], oid: int) -> str:
    """Another text after any change of the table's definition, or of what refers to it."""
    ((found,),) = asked(connection, [(_FINGERPRINT, [oid, ""])])
    return str(found[0])


def asked(
    connection: psycopg.Connection[Any], questions: Sequence[tuple[str, Sequence[Any]]]
) -> list[list[tuple[Any, ...]]]:
    """What queries that begin with `IT` give. They are sent together: one way there and back."""
    with connection.pipeline():
        cursors = [RawCursor(connection).execute(IT + sql, known) for sql, known in questions]
        return [cursor.fetchall() for cursor in cursors]


def _texts(rows: Sequence[tuple[Any, ...]]) -> tuple[str, ...]:
    return tuple(row[0] for row in rows)
