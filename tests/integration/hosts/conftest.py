"""A stage for each test, taken down at its end."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.hosts.stage import Stage, Watcher


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    await stage.close()


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()
