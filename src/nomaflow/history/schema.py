"""Brings the tables of a store to the version that this code knows."""

import threading
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, column, inspect, select, table

from nomaflow.errors import Refused
from nomaflow.history import migrations
from nomaflow.history.stores.base import Store

VERSION: Final = "0005"
VERSION_TABLE: Final = "ly2_schema_version"

# Alembic keeps the migration that runs in a module-level proxy.
_one_at_a_time = threading.Lock()


def is_current(connection: Connection) -> bool:
    """Whether nothing is to be done. Raises Refused when the store is newer than this code."""
    found = _version(connection)
    if found is not None and found > VERSION:
        raise Refused(
            f"The store has schema version {found}, this Nomaflow knows {VERSION} and no newer. "
            "Install the newer Nomaflow again, or restore the backup made before it."
        )
    return found == VERSION


def upgrade(connection: Connection, store: Store) -> None:
    """Apply the versions that are missing. Processes that do so at once wait for each other."""
    store.lock(connection, "schema")
    if is_current(connection):
        return
    # Imported here: a store that is current, as at almost every start, never needs it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_table", VERSION_TABLE)
    config.attributes["connection"] = connection
    with _one_at_a_time:
        command.upgrade(config, VERSION)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
