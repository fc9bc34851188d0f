"""How the rows of a MySQL table may be replaced.

Views, grants and stored programs go by the table's name, so they find a new one. What goes along
with the old table instead (triggers, foreign keys) keeps it from being replaced by a RENAME.
"""

from collections.abc import Sequence
from typing import Final

from nomaflow.connectors.copies import Choice, Way
from nomaflow.connectors.dialects.mysql.catalogue import Connection, fetch
from nomaflow.connectors.dialects.mysql.definition import definition_of
from nomaflow.connectors.tables import Table, TableName
from nomaflow.errors import StepRefused

_MOST_REASONS: Final = 3
_REFERENCING: Final = """
SELECT DISTINCT CONCAT("a foreign key of '", TABLE_NAME, "' refers to it")
FROM information_schema.KEY_COLUMN_USAGE
WHERE REFERENCED_TABLE_SCHEMA = %s AND REFERENCED_TABLE_NAME = %s
"""
_FOREIGN_KEYS: Final = """
SELECT CONCAT("its foreign key '", CONSTRAINT_NAME, "' has a name that no other can have")
FROM information_schema.TABLE_CONSTRAINTS
WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND CONSTRAINT_TYPE = 'FOREIGN KEY'
"""
_TRIGGERS: Final = """
SELECT CONCAT("trigger '", TRIGGER_NAME, "' would go with the old table")
FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = %s AND EVENT_OBJECT_TABLE = %s
"""
_MAY_SEE_TRIGGERS: Final = """
SELECT EXISTS (
  SELECT 1 FROM (
    SELECT GRANTEE, PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES
    UNION ALL
    SELECT GRANTEE, PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES
    WHERE %s LIKE TABLE_SCHEMA
    UNION ALL
    SELECT GRANTEE, PRIVILEGE_TYPE FROM information_schema.TABLE_PRIVILEGES
    WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s) AS own
  WHERE PRIVILEGE_TYPE = 'TRIGGER'
    AND GRANTEE = CONCAT("'", REPLACE(CURRENT_USER(), '@', "'@'"), "'"))
"""
_ENGINE: Final = """
SELECT e.ENGINE, COALESCE(e.TRANSACTIONS, 'NO') = 'YES' FROM information_schema.TABLES AS t
JOIN information_schema.ENGINES AS e ON e.ENGINE = t.ENGINE
WHERE t.TABLE_SCHEMA = %s AND t.TABLE_NAME = %s
"""
_HISTORY: Final = "WITH SYSTEM VERSIONING"
_ELSEWHERE: Final = "DATA DIRECTORY"


def ways(connection: Connection, table: Table, key: Sequence[str]) -> list[Choice]:
    """The best way first. Raises StepRefused where none keeps every promise."""
    found = obstacles(connection, table.name)
    if not found:
        reason = "all that belongs to the table goes by its name"
        rename = [Choice(Way.RENAME, reason)]
    else:
        more = len(found) - _MOST_REASONS
        listed = ", ".join(found[:_MOST_REASONS]) + (f" and {more} more" if more > 0 else "")
        reason = f"the table itself must stay: {listed}"
        rename = []
    choices = [*rename, *_by_rows(connection, table, key, reason)]
    if not choices:
        raise StepRefused(
            f"Table '{table.name}' cannot be overwritten at once: {reason}, and its rows cannot be "
            "exchanged in one transaction without a key, or in its engine. Give it a key that the "
            "source has, or the engine InnoDB."
        )
    return choices


def _by_rows(connection: Connection, table: Table, key: Sequence[str], reason: str) -> list[Choice]:
    """Rows that foreign keys refer to may change, but not go and come back."""
    if engine_without_transactions(connection, table.name):
        return []
    merge = [Choice(Way.MERGE, reason)] if key else []
    if table.referenced:
        return merge
    without = reason if key else f"{reason}; it has no key to merge by"
    return [*merge, Choice(Way.REPLACE, without)]


def refuse_engine(connection: Connection, table: TableName) -> None:
    """Raises StepRefused where rows cannot be added in one transaction."""
    if engine := engine_without_transactions(connection, table):
        raise StepRefused(
            f"Table '{table}' has the engine {engine}, which has no transactions: a copy that "
            "fails would leave some of its rows there. Give it the engine InnoDB, or overwrite it."
        )


def engine_without_transactions(connection: Connection, table: TableName) -> str | None:
    """The name of the table's engine, if it is such a one."""
    found = fetch(connection, _ENGINE, [table.schema, table.table])
    return next((engine for engine, transactional in found if not transactional), None)


def obstacles(connection: Connection, table: TableName) -> list[str]:
    """Why a new table cannot take this one's place with everything that belongs to it."""
    where = [table.schema, table.table]
    queries = (_REFERENCING, _FOREIGN_KEYS, _TRIGGERS)
    found = [words for query in queries for (words,) in fetch(connection, query, where)]
    if fetch(connection, _MAY_SEE_TRIGGERS, [table.schema, *where]) != [(1,)]:
        found.append("it may have triggers, which only the privilege TRIGGER lets us see")
    definition = definition_of(connection, table)
    if _HISTORY in definition:
        found.append("the history of its rows would go with the old table")
    if _ELSEWHERE in definition:
        found.append("it has a data directory of its own")
    return found
