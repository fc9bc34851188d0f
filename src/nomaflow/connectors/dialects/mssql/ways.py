"""How the rows of a SQL Server table may be replaced, and what rests meanwhile.

A rename would lose grants, triggers and foreign keys, and ALTER TABLE SWITCH asks for a twin of
every index: the rows move instead, and everything that hangs on the table stays.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from nomaflow.connectors.copies import Choice, Way
from nomaflow.connectors.dialects.mssql.catalogue import fetched
from nomaflow.connectors.dialects.mssql.creating import listed
from nomaflow.connectors.dialects.mssql.stash import reference, said
from nomaflow.connectors.tables import Table, TableName
from nomaflow.errors import StepRefused

_IDENTITY: Final = "SELECT name FROM sys.identity_columns WHERE object_id = OBJECT_ID(?)"
_TRIGGERS: Final = """
SELECT name FROM sys.triggers WHERE parent_id = OBJECT_ID(?) AND is_disabled = 0
"""
_STAYS: Final = "everything that hangs on the table stays as it is"


def identity_of(connection: Any, table: TableName) -> str | None:
    """The column that the server numbers; its values can be given, but never changed."""
    return next((name for (name,) in fetched(connection, _IDENTITY, [reference(table)])), None)


def ways(connection: Any, table: Table, key: Sequence[str]) -> list[Choice]:
    """The best way first. Raises StepRefused where none keeps every promise."""
    identity = identity_of(connection, table.name)
    mergeable = key and (identity is None or identity in key)
    merge = [Choice(Way.MERGE, f"{_STAYS}, and only what changed is written")] if mergeable else []
    if not table.referenced:
        return [*merge, Choice(Way.REPLACE, _STAYS)]
    if not merge:
        raise StepRefused(
            f"Foreign keys of other tables refer to rows of '{table.name}', so that they can only "
            "be merged, and there is no key to merge by that the source has and that holds the "
            "IDENTITY column. Give the table one."
        )
    return merge


def refuse_upsert(connection: Any, table: Table, columns: Sequence[str]) -> None:
    """Raises StepRefused where an upsert would have to change what the server numbers."""
    identity = identity_of(connection, table.name)
    if identity in columns and not any(identity in key for key in table.keys):
        raise StepRefused(
            f"Column '{identity}' of '{table.name}' is an IDENTITY and in no key: an upsert cannot "
            "change it. Leave it out in the step's `columns`, or make it the key."
        )


@contextmanager
def resting_triggers(connection: Any, table: TableName) -> Iterator[None]:
    """Triggers that are on see nothing of it."""
    names = [name for (name,) in fetched(connection, _TRIGGERS, [reference(table)])]
    if names:
        said(connection, f"DISABLE TRIGGER {_beside(table, names)} ON {reference(table)}")
    yield
    if names:
        said(connection, f"ENABLE TRIGGER {_beside(table, names)} ON {reference(table)}")


def _beside(table: TableName, names: Sequence[str]) -> str:
    """Triggers live in their table's schema."""
    schema = f"{listed([table.schema])}." if table.schema else ""
    return ", ".join(f"{schema}{listed([name])}" for name in names)
