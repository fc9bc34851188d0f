"""Where a SQL Server table's stash lives, and how what a dead copy left is removed.

The stash is an ordinary table beside the target: the bulk interface writes by a connection of its
own, and everybody could read a global temporary table. Its name is a digest of the target's, and
so is the lock that a copy holds for as long as its session lives: who has the lock may drop it.
"""

from hashlib import sha256
from typing import Any, Final

from nomaflow.connectors.copies import TableLocked
from nomaflow.connectors.dialects.mssql.catalogue import fetched
from nomaflow.connectors.dialects.mssql.failures import lock_errors
from nomaflow.connectors.dialects.mssql.types import quote
from nomaflow.connectors.dialects.spelling import qualified
from nomaflow.connectors.tables import TableName
from nomaflow.errors import StepFailed

_STASH: Final = "nomaflow_stash_"
_DIGEST_LENGTH: Final = 16
_HOLD: Final = """
DECLARE @held int;
EXEC @held = sp_getapplock @Resource = ?, @LockMode = N'Exclusive', @LockOwner = N'Session',
    @LockTimeout = -1;
SELECT @held
"""
PATIENCE_MS: Final = 100
CHANGE_MS: Final = 10_000


def stash_of(table: TableName) -> TableName:
    """Its name, beside the table."""
    return TableName(f"{_STASH}{_digest(table)}", table.schema)


def hold(connection: Any, table: TableName) -> None:
    """Keep other copies into the table waiting until the session ends."""
    ((held,),) = fetched(connection, _HOLD, [f"nomaflow copy {_digest(table)}"])
    connection.commit()
    if held < 0:
        raise StepFailed(f"The wait for another copy into '{table}' was interrupted.")


def drop(connection: Any, table: TableName) -> bool:
    """False when others hold it."""
    try:
        with lock_errors():
            said(connection, f"SET LOCK_TIMEOUT {PATIENCE_MS}")
            said(connection, f"DROP TABLE IF EXISTS {reference(table)}")
            connection.commit()
    except TableLocked:
        connection.rollback()
        return False
    return True


def said(connection: Any, sql: str) -> None:
    """Run a statement that gives nothing."""
    with connection.cursor() as cursor:
        cursor.execute(sql)


def reference(name: TableName) -> str:
    """A table as SQL takes it."""
    return qualified(name, quote)


def _digest(table: TableName) -> str:
    return sha256(str(table).lower().encode()).hexdigest()[:_DIGEST_LENGTH]
