"""When rows are the same, and what the server has against one."""

from collections.abc import Sequence
from typing import Final

from nomaflow.connectors.dialects.mysql.expressions import quote
from nomaflow.connectors.tables import Kind, Table

VIOLATIONS: Final = frozenset({1048, 1062, 1216, 1217, 1451, 1452, 1586, 3819, 4025})
"""Error codes: a NULL, a key, a foreign key or a check that a row offends."""
_BYTEWISE: Final = frozenset({Kind.TEXT, Kind.JSON, Kind.NATIVE})


def differing(table: Table, columns: Sequence[str], *, left: str, right: str) -> str:
    """An SQL condition: two rows are not the same, byte by byte, in these columns of the table."""
    kinds = {column.name: column.type.kind for column in table.columns}
    pairs = ((f"{left}.{quote(name)}", f"{right}.{quote(name)}", kinds[name]) for name in columns)
    same = (
        f"CAST({a} AS BINARY) <=> CAST({b} AS BINARY)" if kind in _BYTEWISE else f"{a} <=> {b}"
        for a, b, kind in pairs
    )
    return f"NOT ({' AND '.join(same)})"
