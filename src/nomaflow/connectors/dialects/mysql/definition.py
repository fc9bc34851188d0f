"""How a MySQL table is declared, in the server's own words."""

import re
from typing import Final

from nomaflow.connectors.dialects.mysql.catalogue import Connection, fetch
from nomaflow.connectors.dialects.mysql.source import reference
from nomaflow.connectors.tables import TableName

_COUNTER: Final = re.compile(r"(?m)^(\).*) AUTO_INCREMENT=(\d+)")
_INDEX: Final = re.compile(r"(?m)^  (KEY (`(?:[^`]|``)+`) .*?),?$")


def definition_of(connection: Connection, table: TableName) -> str:
    """Equal for two tables that are declared alike."""
    return _COUNTER.sub(r"\1", _creation(connection, table))


def plain_indexes(definition: str) -> list[tuple[str, str]]:
    """Those that keep nothing unique: the quoted name, and what creates it."""
    return [(name, index) for index, name in _INDEX.findall(definition)]


def counter_of(connection: Connection, table: TableName) -> str | None:
    """The number that the next row without one gets."""
    counter = _COUNTER.search(_creation(connection, table))
    return counter[2] if counter else None


def _creation(connection: Connection, table: TableName) -> str:
    ((_, sql),) = fetch(connection, f"SHOW CREATE TABLE {reference(table)}")
    return str(sql.partition(" (\n")[2])
