"""A real store for tests, once on an SQLite file and once on PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fakes import FakeClock

from nomaflow.history.database import Database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store; a test that asks for it runs on both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/history.db"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    """The store, open and with its tables."""
    database = Database.open(store_url)
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
