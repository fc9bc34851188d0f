"""What a server does not load until somebody needs it."""

import subprocess
import sys

import pytest

HEAVY = ("pyarrow", "pgpq", "adbc_driver_manager", "asyncpg")


@pytest.mark.parametrize("module", ["nomaflow.asgi", "nomaflow.runner.hosts.child"])
def test_libraries_of_fast_lanes_are_imported_by_copies_alone(module: str) -> None:
    code = f"import sys, {module}; print(*(name for name in {HEAVY} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
