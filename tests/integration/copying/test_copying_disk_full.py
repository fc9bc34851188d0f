"""A disk that is full in the middle of a copy: the old table stays, and the next copy goes well."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.integration.copying.conftest import Desk, Place
from tests.servers.mariadb import MariadbServer
from tests.servers.postgresql import PostgresqlServer

from nomaflow.errors import StepFailed

FILLER = "x" * 1000
FEW, MANY = 200, 60_000
SIZE = "40m"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own with little room, for every user. Mounting takes root's rights."""
    with TemporaryDirectory(prefix="nomaflow-disk-", dir="/tmp") as folder:
        options = ["-o", f"size={SIZE},mode=777"]
        command = ["mount", "-t", "tmpfs", *options, "tmpfs", folder]
        try:
            mounted = subprocess.run(command, capture_output=True, check=False, text=True)
        except FileNotFoundError:
            pytest.skip("no full disk can be made: there is no program mount")
        if mounted.returncode:
            pytest.skip(f"no full disk can be made: {mounted.stderr.strip()}")
        Path(folder).chmod(0o755)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def sqlite_there(small_disk: Path) -> Place:
    return Place(f"sqlite:///{small_disk}/target.db")


@pytest.fixture
def postgresql_there(small_disk: Path, postgresql_server: PostgresqlServer) -> Iterator[Place]:
    with postgresql_server.database_in(small_disk) as url:
        yield Place(url)


@pytest.fixture
def mariadb_there(mariadb_server: MariadbServer) -> Iterator[Place]:
    with mariadb_server.database() as url:
        yield Place(url)


@pytest.fixture
def open_folder(small_disk: Path) -> Path:
    """Where every user may write."""
    folder = small_disk / "open"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY, version INTEGER, filler VARCHAR(1000))"


@pytest.mark.parametrize("lane", ["auto", "rows"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_a_full_disk_leaves_the_old_table_and_the_next_copy_goes_through(
    request: pytest.FixtureRequest,
    sqlite: Callable[[str], Place],
    desk: Desk,
    open_folder: Path,
    kind: str,
    lane: str,
) -> None:
    here, there = sqlite("source"), request.getfixturevalue(f"{kind}_there")
    desk.urls.update(source=here.url, target=there.url)
    here.run(TABLE)
    there.run(TABLE + (f" DATA DIRECTORY = '{open_folder}'" if kind == "mariadb" else ""))
    for place, rows, version in ((here, MANY, 1), (there, FEW, 0)):
        place.insert("t", [(n, version, FILLER) for n in range(rows)])
    with pytest.raises(StepFailed, match=r"(?i)is full|no space left"):
        desk.copy("t", lane=lane)
    assert there.rows("SELECT version, count(*) FROM t GROUP BY version") == [(0, FEW)]
    here.run(f"DELETE FROM t WHERE id >= {FEW}")
    desk.copy("t", lane=lane)
    assert there.rows("SELECT version, count(*) FROM t GROUP BY version") == [(1, FEW)]
    assert there.tables() == ["t"]
