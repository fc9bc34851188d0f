"""Where an Oracle table's stash lives, and how what a dead copy left is removed.

Their names are a digest of the target's, and so is the lock that a copy holds for as long as its
session lives: who has the lock may drop them.
"""

from hashlib import sha256
from typing import Any, Final

import oracledb

from nomaflow.connectors.copies import TableLocked
from nomaflow.connectors.dialects.oracle.failures import code, lock_errors
from nomaflow.connectors.dialects.oracle.types import quote
from nomaflow.connectors.dialects.spelling import qualified
from nomaflow.connectors.tables import TableName
from nomaflow.errors import StepFailed, StepRefused

_STASH: Final = "NOMAFLOW_STASH_"
_OLD: Final = "NOMAFLOW_OLD_"
_DIGEST_LENGTH: Final = 13
_LOCKS: Final = 2**30
_HOLD: Final = """
BEGIN :1 := SYS.DBMS_LOCK.REQUEST(id => :2, lockmode => 6, timeout => 32767); END;
"""
_HELD: Final = frozenset({0, 4})
_NO_SUCH_NAME: Final = "ORA-06550"
_NO_TABLE: Final = "ORA-00942"


def stash_of(table: TableName) -> TableName:
    """Its name, beside the table."""
    return TableName(f"{_STASH}{_digest(table)}", table.schema)


def old_of(table: TableName) -> TableName:
    """What the rows that are to be kept lie in until the transaction has ended."""
    return TableName(f"{_OLD}{_digest(table)}", table.schema)


def hold(connection: Any, table: TableName) -> None:
    """Keep other copies into the table waiting until the session ends."""
    number = int(_digest(table), 16) % _LOCKS
    with connection.cursor() as cursor:
        held = cursor.var(oracledb.DB_TYPE_NUMBER)
        try:
            cursor.execute(_HOLD, [held, number])
        except oracledb.DatabaseError as error:
            if code(error) != _NO_SUCH_NAME:
                raise
            raise StepRefused(
                "Copies into Oracle need the right to lock each other out. Let an administrator "
                "run once: GRANT EXECUTE ON SYS.DBMS_LOCK TO the connector's user"
            ) from error
        if held.getvalue() not in _HELD:
            raise StepFailed(f"The wait for another copy into '{table}' was interrupted.")


def drop(connection: Any, table: TableName) -> bool:
    """False when others hold it."""
    try:
        with lock_errors():
            said(connection, f"DROP TABLE {reference(table)} PURGE")
    except TableLocked:
        return False
    except oracledb.DatabaseError as error:
        if code(error) != _NO_TABLE:
            raise
    return True


def said(connection: Any, sql: str) -> None:
    """Run a statement that gives nothing."""
    with connection.cursor() as cursor:
        cursor.execute(sql)


def reference(name: TableName) -> str:
    """A table as SQL takes it."""
    return qualified(name, quote)


def _digest(table: TableName) -> str:
    return sha256(str(table).encode()).hexdigest()[:_DIGEST_LENGTH].upper()
