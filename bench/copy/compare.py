"""One pair of databases: our step and the others by turns, and the medians of their ratios."""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
from tests.servers.mariadb import USER, MariadbServer, throwaway_mariadb
from tests.servers.postgresql import SETTINGS, PostgresqlServer, throwaway_postgresql

from bench.copy.pairs import Pair
from bench.copy.peers import SLING, sling
from bench.copy.processes import Cost, cpu_of_tree, forget_peaks, parent, peak_of_tree
from bench.copy.tables import Subject, make_in_mariadb, make_in_postgresql, make_in_sqlite
from bench.figure import Figure
from bench.server import Subject as Server
from bench.server import a_measured_home, measured

ROW_BY_ROW = Path(__file__).with_name("row_by_row.py")
ENDED = "SELECT count(*) FROM ly2_job_runs WHERE state IN ('SUCCEEDED', 'FAILED')"
FAILED = "SELECT error FROM ly2_step_runs WHERE state = 'FAILED'"
LANE = "SELECT output FROM ly2_step_runs ORDER BY run_id DESC LIMIT 1"


@dataclass(frozen=True)
class Site:
    """Where a pair is measured: the databases, and a server of ours with the job `copy`."""

    pair: Pair
    subject: Subject
    rows: int
    source: str
    source_file: Path
    target: str
    servers: Sequence[int]
    nomaflow: Server


def compared(pair: Pair, rows: int, repeats: int) -> Iterator[Figure]:
    """Everyone once to warm up, then by turns; a ratio is of two neighbours."""
    with site(pair, max(rows // pair.share, 1)) as place:
        tool = filled(place, pair.tool)
        turns = [(our_step(place), by_command(place, tool)) for _ in range(repeats + 1)][1:]
        yield from figures(place, turns)
        if pair.source == "postgresql" and not pair.same_database:
            yield from others(place, median(our.wall for our, _ in turns))


def filled(place: Site, command: str) -> str:
    return command.format(
        source=place.source,
        source_file=place.source_file,
        source_options=mysql_options(place.source),
        target=place.target,
        table=place.subject.name,
        bare="bare",
    )


def mysql_options(url: str) -> str:
    place = urlsplit(url)
    return f"-h {place.hostname} -P {place.port} -u {place.username} {place.path.removeprefix('/')}"


@contextmanager
def site(pair: Pair, rows: int) -> Iterator[Site]:
    subject = pair.subject(rows)
    with (
        tempfile.TemporaryDirectory() as folder,
        throwaway_postgresql() as server,
        server.database() as made,
        server.database() as other,
        ExitStack() as stack,
    ):
        target = made if pair.same_database else other
        file = Path(folder) / "source.db"
        source, servers = made, [postmaster(server)]
        if pair.source == "mariadb":
            mariadb = stack.enter_context(throwaway_mariadb())
            source = stack.enter_context(mariadb.database())
            servers.append(process_of(mariadb))
            make_in_mariadb(source, subject)
        else:
            make_in_postgresql(made, subject)
        if pair.source == "sqlite":
            make_in_sqlite(file, made, subject)
        make_bare(target, subject, "copied")
        run_sql(target, indexes(subject, "copied"))
        home = a_measured_home(Path(folder), job(subject))
        read = f"sqlite:///{file}" if pair.source == "sqlite" else source
        (home / "connectors.toml").write_text(connectors(source=read, target=target))
        with measured(home) as nomaflow:
            yield Site(pair, subject, rows, source, file, target, servers, nomaflow)


def job(subject: Subject) -> str:
    return f"""
[[jobs]]
id = "copy"
[[jobs.steps]]
name = "copy"
type = "sql_copy"
source = {{ connector = "source", table = "{subject.name}" }}
target = {{ connector = "target", table = "copied" }}
"""


def connectors(**urls: str) -> str:
    return "".join(
        f'[pools.{name}]\nurl = "{url}"\n[connectors.{name}]\ntype = "sql"\npool = "{name}"\n'
        for name, url in urls.items()
    )


def our_step(place: Site) -> Cost:
    """A run by hand in a server: stash, indexes, check, swap and history included."""
    server = place.nomaflow
    before = server.rows(ENDED)[0][0]
    forget_peaks(server.pid)
    spent, began = spent_by(place, server.pid), perf_counter()
    server.client().run("copy")
    server.wait(ENDED, before + 1)
    wall = perf_counter() - began
    if failed := server.rows(FAILED):
        raise RuntimeError(failed[0][0])
    return Cost(wall, spent_by(place, server.pid) - spent, peak_of_tree(server.pid))


def by_command(place: Site, command: str) -> Cost:
    """Into a bare table, then the indexes that our target has too."""
    make_bare(place.target, place.subject, "bare")
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    spent = spent_by(place)
    shell = ["bash", "-o", "pipefail", "-c", command]
    subprocess.run(shell, check=True, capture_output=True)  # noqa: S603 - of pairs.py
    run_sql(place.target, indexes(place.subject, "bare"))
    wall = perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    client = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, spent_by(place) - spent + client)


def spent_by(place: Site, *clients: int) -> float:
    return sum(map(cpu_of_tree, (*place.servers, *clients)))


def figures(place: Site, turns: Sequence[tuple[Cost, Cost]]) -> Iterator[Figure]:
    pair, settings = place.pair, described(place)
    ours = median(our.wall for our, _ in turns)
    yield Figure(f"{pair.name}: our step", place.rows / ours, "rows/s", settings)
    tools = median(tool.wall for _, tool in turns)
    yield Figure(f"{pair.name}: {pair.named}", place.rows / tools, "rows/s", "+ the same indexes")
    ratio = median(tool.wall / our.wall for our, tool in turns)
    yield Figure(f"{pair.name}: speed against it", ratio, "x", "paired median", pair.at_least)
    cpu = median(our.cpu / tool.cpu for our, tool in turns)
    yield Figure(f"{pair.name}: CPU against it", cpu, "x", "paired median", pair.most_cpu)
    peak = max(our.peak for our, _ in turns)
    yield Figure(f"{pair.name}: peak memory of the step's process", peak, "MiB", "")


def others(place: Site, ours: float) -> Iterator[Figure]:
    """What needs no second look: each runs once."""
    naive = f"{sys.executable} {ROW_BY_ROW} {{source}} {{target}} {{table}}"
    settings = "SQLAlchemy, batches of 10,000 rows; once"
    yield against(place, ours, "executemany", naive, ("≥ 8", settings))
    with tempfile.TemporaryDirectory() as folder:
        command = sling(Path(folder))
        if command is not None:
            yield against(place, ours, "sling", command, ("≥ 5", f"{SLING}, full-refresh; once"))


def against(place: Site, ours: float, name: str, command: str, told: tuple[str, str]) -> Figure:
    cost = by_command(place, filled(place, command))
    target, settings = told
    return Figure(
        f"{place.pair.name}: speed against {name}", cost.wall / ours, "x", settings, target
    )


def described(place: Site) -> str:
    output = str(place.nomaflow.rows(LANE)[0][0])
    lane = output.partition('"lane"')[2].split('"')[1]
    off = ", ".join(f"{name}={value}" for name, value in SETTINGS.items() if value == "off")
    return f"{place.rows:,} rows, lane {lane}, {off}"


def make_bare(url: str, subject: Subject, name: str) -> None:
    columns = subject.postgresql.replace(" PRIMARY KEY", "")
    run_sql(url, [f"DROP TABLE IF EXISTS {name}", f"CREATE TABLE {name} ({columns})"])


def indexes(subject: Subject, table: str) -> list[str]:
    key = f"ALTER TABLE {table} ADD PRIMARY KEY (id)"
    return [key, *(index.format(name=table, table=table) for index in subject.indexes)]


def run_sql(url: str, statements: Sequence[str]) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def process_of(server: MariadbServer) -> int:
    with closing(pymysql.connect(host="127.0.0.1", port=server.port, user=USER)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT @@pid_file")
        row: Any = cursor.fetchone()
    return int(Path(row[0]).read_text())


def postmaster(server: PostgresqlServer) -> int:
    with closing(psycopg.connect(server.url())) as connection:
        row: Any = connection.execute("SELECT pg_backend_pid()").fetchone()
        return parent(row[0])
