"""A desk on each store."""

import pytest
from tests.fakes import FakeClock
from tests.integration.history.history_builders import Desk

from nomaflow.history.database import Database


@pytest.fixture
def desk(database: Database, clock: FakeClock) -> Desk:
    return Desk(database, clock)
