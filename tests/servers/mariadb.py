"""A throw-away MariaDB from Debian's programs."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pymysql
from tests.servers.throwaway import ServerMissing, Site, free_port, site

START_TIMEOUT_SECONDS = 60.0
USER = "nomaflow"


@dataclass(frozen=True)
class MariadbServer:
    """A running server. The user `nomaflow` may do everything and has no password."""

    port: int

    def url(self, database: str) -> str:
        return f"mysql://{USER}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a fresh, empty database; dropped afterwards."""
        name = f"test_{uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name}")

    def execute(self, statement: str) -> None:
        with (
            pymysql.connect(host="127.0.0.1", port=self.port, user=USER) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@contextmanager
def throwaway_mariadb() -> Iterator[MariadbServer]:
    """Make a data folder, start a server on a free port, stop it. Raises ServerMissing."""
    daemon = _program("mariadbd")
    with site("nomaflow-mariadb-") as place:
        _initialise(place)
        server = MariadbServer(free_port())
        process = place.start([daemon, *_options(place, server)], place.folder / "server.log")
        try:
            _wait_until_ready(server, process, place.folder / "server.log")
            yield server
        finally:
            process.kill()
            process.wait()


def _program(name: str) -> Path:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        raise ServerMissing("MariaDB is not installed (Debian: apt-get install mariadb-server)")
    return Path(found)


def _initialise(place: Site) -> None:
    data = f"--datadir={place.folder / 'data'}"
    options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    place.run([_program("mariadb-install-db"), "--no-defaults", data, _own_tmpdir(place), *options])
    (place.folder / "init.sql").write_text(
        f"CREATE USER '{USER}'@'%';\nGRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
    )


def _own_tmpdir(place: Site) -> str:
    """A server that starts removes temporary tables from there, also those of another one."""
    return f"--tmpdir={place.folder}"


def _options(place: Site, server: MariadbServer) -> list[str]:
    return [
        "--no-defaults",
        f"--datadir={place.folder / 'data'}",
        _own_tmpdir(place),
        f"--socket={place.folder / 'socket'}",
        f"--port={server.port}",
        f"--pid-file={place.folder / 'pid'}",
        f"--init-file={place.folder / 'init.sql'}",
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-size=64M",
        "--lock-wait-timeout=60",
    ]


def _wait_until_ready(server: MariadbServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return server.execute("DO 0")
        except pymysql.OperationalError:
            time.sleep(0.02)  # the server has no way to say that it is up
    raise RuntimeError(f"mariadbd did not start:\n{log.read_text()}")
