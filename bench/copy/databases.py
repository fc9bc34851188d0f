"""Databases to copy between: statements on any of them, and the rows of PostgreSQL elsewhere."""

import csv
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pymysql
from sqlalchemy import make_url

from bench.copy.tables import AS_TEXT, Subject

LOAD = "SET time_zone = '+00:00'; LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE {table}"


def kind(url: str) -> str:
    return url.partition(":")[0]


def opened(url: str) -> Any:
    place = make_url(url)
    match kind(url):
        case "sqlite":
            return sqlite3.connect(place.database or "", isolation_level=None)
        case "mysql":
            return pymysql.connect(
                host=place.host or "",
                port=place.port or 0,
                user=place.username,
                database=place.database,
                autocommit=True,
            )
        case _:
            return psycopg.connect(url, autocommit=True)


def run_sql(url: str, statements: Sequence[str]) -> None:
    with closing(opened(url)) as connection:
        for statement in statements:
            connection.cursor().execute(statement)


def mysql(url: str) -> str:
    """The command that speaks to it."""
    place = make_url(url)
    return (
        f"mysql --no-defaults -h 127.0.0.1 -P {place.port} -u {place.username} --local-infile=1"
        f" {place.database}"
    )


def make_in_postgresql(url: str, subject: Subject) -> None:
    made = f"CREATE TABLE {subject.name} ({subject.columns['postgresql']})"
    vacuum = f"VACUUM ANALYZE {subject.name}"
    run_sql(url, [made, subject.fill, vacuum, *subject.beside])


def as_text(subject: Subject, *, offset: str) -> str:
    """A SELECT whose values other databases read, too; instants end with the offset."""
    return f"SELECT {AS_TEXT.format(offset=offset)} FROM {subject.name}"  # noqa: S608 - ours


def make_in_sqlite(url: str, origin: str, subject: Subject) -> None:
    """The rows of the PostgreSQL table, as an application would have written them."""
    text = Path(f"{make_url(url).database}.csv")
    with closing(psycopg.connect(origin)) as connection, text.open("wb") as out:
        sql = f"COPY ({as_text(subject, offset='+00:00')}) TO STDOUT (FORMAT csv)"
        with connection.cursor().copy(sql.encode()) as copy:
            for part in copy:
                out.write(part)
    run_sql(url, [f"CREATE TABLE {subject.name} ({subject.columns['sqlite']})"])
    import_csv(url, subject, text)
    text.unlink()


def import_csv(url: str, subject: Subject, text: Path) -> None:
    """An empty field is NULL."""
    with closing(opened(url)) as connection, text.open(newline="") as lines:
        connection.execute("BEGIN")
        places = ", ".join("nullif(?, '')" for _ in range(12))
        insert = f"INSERT INTO {subject.name} VALUES ({places})"  # noqa: S608 - ours
        connection.executemany(insert, csv.reader(lines))
        connection.execute("COMMIT")


def make_in_mysql(url: str, origin: str, subject: Subject) -> None:
    """The rows of the PostgreSQL table, through the servers' own tools."""
    run_sql(url, [f"CREATE TABLE {subject.name} ({subject.columns['mysql']})"])
    copy = f"COPY ({as_text(subject, offset='')}) TO STDOUT"
    pipe = f'psql -qX "{origin}" -c "{copy}" | {mysql(url)} -e "{LOAD.format(table=subject.name)}"'
    shell = ["bash", "-o", "pipefail", "-c", pipe]
    subprocess.run(shell, check=True)  # noqa: S603 - ours
