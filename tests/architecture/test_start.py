"""A service starts without what only some services need."""

import subprocess
import sys

LATER = {
    "alembic", "cel", "engineio", "holidays", "httpx2", "prometheus_client", "psycopg", "pyarrow",
    "pygments", "pymysql", "rich", "socketio",
}  # fmt: skip
START = "import sys, nomaflow.cli.main, nomaflow.cli.commands.serve; print(*sys.modules)"


def test_libraries_for_some_services_are_not_imported_at_the_start() -> None:
    imported = subprocess.run(
        [sys.executable, "-c", START], capture_output=True, text=True, check=True
    )

    assert LATER.isdisjoint(imported.stdout.split())
