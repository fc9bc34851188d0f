"""Only what changed since the last time, by the directory's own clock."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from nomaflow.connectors.mirrors import Mirror
from nomaflow.connectors.tables import Table
from nomaflow.errors import StepRefused
from nomaflow.mirroring.sources import Sources


def since(mirror: Mirror, table: Table, sources: Sources, attribute: str) -> str | None:
    """The greatest value that the attribute's column holds, as a filter takes it; None: empty.

    Entries that changed at that instant are fetched again, so that none is missed. Raises
    StepRefused when the attribute goes to no column.
    """
    target = sources.column_of(attribute)
    if target is None:
        raise StepRefused(
            f"changed_since = '{attribute}' needs a column that keeps the value: name it in "
            "`mapping` or `attributes`."
        )
    column = mirror.quote(_spelled(table.columns, target))
    place = mirror.reference(table.name)
    ((greatest,),) = mirror.select(f"SELECT max({column}) FROM {place}")  # noqa: S608 - quoted
    return None if greatest is None else _generalized(greatest)


def narrowed(condition: str, attribute: str, mark: str | None) -> str:
    """The filter, with the condition that an entry changed at `mark` or after."""
    return f"(&{condition}({attribute}>={mark}))" if mark else condition


def _spelled(columns: Sequence[Any], target: str) -> str:
    return next((c.name for c in columns if c.name.lower() == target), target)


def _generalized(value: Any) -> str:
    """The value in a directory's form; texts that have it, and numbers, stay as they are."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if "-" in value else value
        except ValueError:
            raise StepRefused(f"changed_since found '{value}', which is no instant.") from None
    if not isinstance(value, datetime):
        return str(value)
    instant = value.astimezone(UTC) if value.tzinfo else value
    return instant.strftime("%Y%m%d%H%M%S.0Z")
