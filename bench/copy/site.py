"""Where a pair is measured: the databases with their tables, and a server with the job `copy`."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url
from tests.servers.mariadb import MariadbServer, throwaway_mariadb
from tests.servers.postgresql import PostgresqlServer, throwaway_postgresql

from bench.copy.databases import (
    as_text,
    kind,
    make_in_mysql,
    make_in_postgresql,
    make_in_sqlite,
    mysql,
    opened,
    run_sql,
)
from bench.copy.pairs import Pair
from bench.copy.processes import parent
from bench.copy.tables import Subject
from bench.server import Subject as Server
from bench.server import a_measured_home, measured


@dataclass(frozen=True)
class Site:
    """`servers` are the processes of the databases; their CPU counts."""

    pair: Pair
    subject: Subject
    rows: int
    source: str
    target: str
    servers: Sequence[int]
    nomaflow: Server

    def filled(self, command: str) -> str:
        """The command with the names of what it is about."""
        return command.format(
            source=self.source,
            source_file=make_url(self.source).database,
            source_client=mysql(self.source),
            target=self.target,
            target_client=mysql(self.target),
            target_file=make_url(self.target).database,
            table=self.subject.name,
            bare="bare",
            as_text=as_text(self.subject, offset="+00:00"),
            as_plain_text=as_text(self.subject, offset=""),
        )

    def make_bare(self, name: str) -> None:
        columns = self.subject.bare(kind(self.target))
        run_sql(self.target, [f"DROP TABLE IF EXISTS {name}", f"CREATE TABLE {name} ({columns})"])

    def rows_of(self, name: str) -> int:
        with closing(opened(self.target)) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608 - ours
            return int(cursor.fetchone()[0])

    def finish(self, name: str) -> None:
        """Give a bare table its key and indexes."""
        run_sql(self.target, self.subject.finish(kind(self.target), name))


@contextmanager
def site(pair: Pair, rows: int) -> Iterator[Site]:
    subject = pair.subject(rows)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source, target, servers = databases(stack, pair, subject, folder)
        home = a_measured_home(folder, job(pair, subject))
        (home / "connectors.toml").write_text(connectors(pair, source=source, target=target))
        nomaflow = stack.enter_context(measured(home))
        place = Site(pair, subject, rows, source, target, servers, nomaflow)
        if not pair.converts:
            place.make_bare("copied")
            place.finish("copied")
        yield place


def databases(
    stack: ExitStack, pair: Pair, subject: Subject, folder: Path
) -> tuple[str, str, list[int]]:
    """Source, with its table, and target; the processes of their servers."""
    server = stack.enter_context(throwaway_postgresql())
    origin = stack.enter_context(server.database())
    urls = {"sqlite": f"sqlite:///{folder}/elsewhere.db", "postgresql": origin}
    servers = [postmaster(server)]
    if "mysql" in {pair.source, pair.target}:
        mariadb = stack.enter_context(throwaway_mariadb())
        servers.append(process_of(mariadb))
        urls["mysql"] = stack.enter_context(mariadb.database())
    make_in_postgresql(origin, subject)
    if pair.source in FROM_ORIGIN:
        FROM_ORIGIN[pair.source](urls[pair.source], origin, subject)
    if pair.source == pair.target and not pair.same_database:
        return origin, stack.enter_context(server.database()), servers
    return urls[pair.source], urls[pair.target], servers


FROM_ORIGIN = {"sqlite": make_in_sqlite, "mysql": make_in_mysql}


def job(pair: Pair, subject: Subject) -> str:
    return f"""
[[jobs]]
id = "copy"
[[jobs.steps]]
name = "copy"
type = "sql_copy"
source = {{ connector = "source", table = "{subject.name}" }}
target = {{ connector = "target", table = "copied" }}
{pair.fields}
"""


def connectors(pair: Pair, **urls: str) -> str:
    text = "".join(
        f'[pools.{name}]\nurl = "{url}"\n[connectors.{name}]\ntype = "sql"\npool = "{name}"\n'
        for name, url in urls.items()
    )
    if not pair.converts:
        return text
    dictionary = (
        'jde_dictionary = { table = "f9210", item = "frdtai", type = "frowtp",'
        ' decimals = "frcdec" }\n'
    )
    head, middle, tail = text.partition('pool = "source"\n')
    return f"{head}{middle}{dictionary}{tail}"


def postmaster(server: PostgresqlServer) -> int:
    with closing(psycopg.connect(server.url())) as connection:
        row: Any = connection.execute("SELECT pg_backend_pid()").fetchone()
        return parent(row[0])


def process_of(server: MariadbServer) -> int:
    with closing(opened(server.url("mysql"))) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@pid_file")
        row: Any = cursor.fetchone()
    return int(Path(row[0]).read_text())
