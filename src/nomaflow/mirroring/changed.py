"""Which table a statement changes, as far as its first words tell."""

import re
from typing import Final

from nomaflow.connectors.tables import TableName

_NAME: Final = r'(?:"(?:[^"]|"")+"|`[^`]+`|\w+)'
_HEAD: Final = re.compile(
    r"\b(?:INSERT\s+(?:OR\s+\w+\s+|IGNORE\s+)?INTO|REPLACE\s+INTO|MERGE\s+INTO|DELETE\s+FROM|UPDATE)"
    rf"\s+(?:(?P<schema>{_NAME})\s*\.\s*)?(?P<table>{_NAME})",
    re.IGNORECASE,
)


def changed_table(sql: str) -> TableName | None:
    """The table that an INSERT, UPDATE, DELETE or MERGE begins with; None for anything else."""
    found = _HEAD.search(sql)
    if found is None:
        return None
    schema = found["schema"]
    return TableName(_plain(found["table"]), _plain(schema) if schema else None)


def _plain(name: str) -> str:
    """A name without its quotes; unquoted ones mean the same in lower case."""
    if name[0] in '"`':
        return name[1:-1].replace('""', '"')
    return name.lower()
