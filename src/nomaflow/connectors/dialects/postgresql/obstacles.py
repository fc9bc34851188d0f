"""What keeps a stash from taking a PostgreSQL table's place.

A rename is right only when everything that hangs on the table is known and can be made again.
Whatever depends on it and is not of a kind that `belongings` makes again is an obstacle.
"""

from typing import Any

import psycopg

from nomaflow.connectors.dialects.postgresql.belongings import Shape, asked

_TABLE = """
SELECT o.reason FROM it CROSS JOIN LATERAL (
    SELECT 'it is partitioned' AS reason WHERE it.relkind = 'p'
    UNION ALL
    SELECT 'it inherits, or others inherit from it' WHERE EXISTS (
        SELECT 1 FROM pg_inherits i WHERE it.oid IN (i.inhrelid, i.inhparent))
    UNION ALL
    SELECT 'it is of a composite type' WHERE it.reloftype <> 0
    UNION ALL
    SELECT format('it belongs to role "%s"', pg_get_userbyid(it.relowner))
    WHERE NOT pg_has_role(it.relowner, 'USAGE')
    UNION ALL
    SELECT format('role "%s" may not create tables in its schema', role.name)
    FROM (VALUES (current_user::text), (pg_get_userbyid(it.relowner)::text)) AS role (name)
    WHERE NOT has_schema_privilege(role.name, it.relnamespace, 'CREATE')
    UNION ALL
    SELECT format('rule %I', r.rulename) FROM pg_rewrite r WHERE r.ev_class = it.oid
    UNION ALL
    SELECT 'its security labels' WHERE EXISTS (
        SELECT 1 FROM pg_seclabel s WHERE s.classoid = 'pg_class'::regclass AND s.objoid = it.oid)
    UNION ALL
    SELECT format('publication %I', p.pubname) FROM pg_publication_tables p
    WHERE p.schemaname = it.nspname AND p.tablename = it.relname
    UNION ALL
    SELECT format('foreign key %I to itself', c.conname) FROM pg_constraint c
    WHERE c.conrelid = it.oid AND c.confrelid = it.oid
    UNION ALL
    SELECT 'its foreign keys are switched off' WHERE EXISTS (
        SELECT 1 FROM pg_trigger t
        WHERE t.tgrelid = it.oid AND t.tgisinternal AND t.tgenabled <> 'O')
    UNION ALL
    SELECT format('a privilege that role "%s" granted', pg_get_userbyid(acl.grantor))
    FROM (SELECT it.relacl UNION ALL
          SELECT a.attacl FROM pg_attribute a WHERE a.attrelid = it.oid AND NOT a.attisdropped
         ) AS granted (acl)
    CROSS JOIN LATERAL aclexplode(granted.acl) AS acl WHERE acl.grantor <> it.relowner
) AS o
"""
_DEPENDING = """
SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid)
FROM it CROSS JOIN LATERAL (
    SELECT 'pg_class'::regclass::oid AS class, it.oid AS object
    UNION ALL SELECT 'pg_type'::regclass, it.reltype
    UNION ALL SELECT 'pg_type'::regclass, t.typarray FROM pg_type t WHERE t.oid = it.reltype
    UNION ALL SELECT 'pg_class'::regclass, i.indexrelid FROM pg_index i WHERE i.indrelid = it.oid
    UNION ALL SELECT 'pg_class'::regclass, s.objid FROM pg_depend s
              WHERE s.refclassid = 'pg_class'::regclass AND s.refobjid = it.oid
                AND s.classid = 'pg_class'::regclass AND s.deptype = 'i'
) AS own
JOIN pg_depend d ON d.refclassid = own.class AND d.refobjid = own.object
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
LEFT JOIN pg_constraint r ON d.classid = 'pg_constraint'::regclass AND r.oid = d.objid
LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
LEFT JOIN pg_trigger g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid
LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
LEFT JOIN pg_statistic_ext s ON d.classid = 'pg_statistic_ext'::regclass AND s.oid = d.objid
LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
LEFT JOIN pg_class v ON v.oid = w.ev_class
WHERE NOT coalesce(
    d.classid = 'pg_type'::regclass AND d.deptype = 'i'
    OR c.relkind IN ('i', 't') AND d.deptype IN ('a', 'i')
    OR c.relkind = 'S' AND d.deptype IN ('a', 'i')
    OR r.conrelid = it.oid OR f.adrelid = it.oid OR g.tgrelid = it.oid OR p.polrelid = it.oid
    OR s.stxrelid = it.oid
    OR w.rulename = '_RETURN' AND v.relkind = 'v' AND own.object = it.oid
       AND pg_has_role(v.relowner, 'USAGE'), false)
ORDER BY 1
"""
_EXTENSION = """
SELECT format('extension %I', e.extname) FROM it
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = it.oid AND d.deptype = 'e'
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
"""


def obstacles(connection: psycopg.Connection[Any], oid: int, shape: Shape) -> list[str]:
    """Each in a few words; empty when the table's place can be taken."""
    answers = asked(connection, [(sql, [oid, ""]) for sql in (_TABLE, _DEPENDING, _EXTENSION)])
    found = [reason for rows in answers for (reason,) in rows]
    found += [f"index {index.name}" for index in shape.indexes if index.statement is None]
    found += [f"statistics {each.name}" for each in shape.statistics if each.statement is None]
    return found
