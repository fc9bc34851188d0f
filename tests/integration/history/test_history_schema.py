"""The tables: migrated, compared, and refused when they are of the future."""

import asyncio
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from nomaflow.errors import Refused
from nomaflow.history import migrations
from nomaflow.history.database import Database
from nomaflow.history.schema import VERSION, VERSION_TABLE
from nomaflow.history.tables import metadata


def _differences(connection: Connection) -> object:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return compare_metadata(context, metadata)


async def test_the_migrated_tables_are_those_that_the_code_declares(database: Database) -> None:
    assert await database.read(_differences) == []


async def test_a_table_that_differs_from_the_code_is_noticed(database: Database) -> None:
    await database.write(lambda c: c.execute(text("ALTER TABLE ly2_tokens ADD COLUMN role TEXT")))
    assert await database.read(_differences) != []


def test_the_version_that_the_code_names_is_the_newest_there_is() -> None:
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == VERSION


async def test_four_that_migrate_at_once_make_one_schema(store_url: str) -> None:
    databases = [Database.open(store_url) for _ in range(4)]
    await asyncio.gather(*(database.migrate() for database in databases))
    assert await databases[0].read(_differences) == []
    await asyncio.gather(*(database.close() for database in databases))


async def test_a_store_of_a_newer_version_is_refused(database: Database) -> None:
    await database.write(lambda c: c.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9'")))
    with pytest.raises(Refused, match=f"schema version 9, this Nomaflow knows {VERSION}"):
        await database.migrate()


OPEN_AND_LOOK = """
import asyncio, sys
from nomaflow.history.database import Database

async def main():
    database = Database.open(sys.argv[1])
    await database.migrate()
    await database.close()

asyncio.run(main())
print("alembic" in sys.modules)
"""


def test_a_current_store_opens_without_the_migration_library(store_url: str) -> None:
    def open_and_look() -> str:
        command = [sys.executable, "-c", OPEN_AND_LOOK, store_url]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert [open_and_look(), open_and_look()] == ["True", "False"]
