"""Whether rows of Oracle are the same."""

from collections.abc import Sequence
from typing import Final

from nomaflow.connectors.dialects.oracle.creating import is_lob
from nomaflow.connectors.dialects.oracle.types import quote
from nomaflow.connectors.tables import Column, Table

_LONG: Final = (
    "({t} IS NULL AND {s} IS NOT NULL OR {t} IS NOT NULL AND {s} IS NULL"
    " OR DBMS_LOB.COMPARE({t}, {s}) <> 0)"
)
_FACTOR: Final = 65_599
_ROOM: Final = 10**30
_BUCKETS: Final = 2**32 - 1


def differ(table: Table, columns: Sequence[str]) -> str:
    """An SQL condition: `t` and `s` are not the same in these columns; NULL is NULL."""
    known = {column.name: column for column in table.columns}
    return " OR ".join(_differs(known[name]) for name in columns)


def _differs(column: Column) -> str:
    name = quote(column.name)
    t, s = (f"{side}.{name}" for side in "ts")
    if column.type.native == "JSON":
        t, s = (f"JSON_SERIALIZE({operand} RETURNING CLOB)" for operand in (t, s))
    elif not is_lob(column.type):
        return f"DECODE({t}, {s}, 0, 1) = 1"
    return _LONG.format(t=t, s=s)


def stamp_of(table: Table, reference: str) -> str | None:
    """A query for the sum of all rows' hashes; None: a column has values that have no hash.

    A row's hash is that of a number which all its columns' hashes make in their order.
    """
    if any(is_lob(column.type) or column.type.native == "JSON" for column in table.columns):
        return None
    row = "0"
    for column in table.columns:
        value = f"NVL(ORA_HASH({quote(column.name)}, {_BUCKETS}), 0)"
        row = f"MOD({row} * {_FACTOR} + {value}, {_ROOM})"
    return f"SELECT TO_CHAR(SUM(ORA_HASH({row}, {_BUCKETS}))) FROM {reference}"  # noqa: S608
