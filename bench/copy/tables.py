"""The tables that are copied: orders, 12 mixed columns; wide, 120 in the manner of JD Edwards."""

import csv
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pymysql

ORDERS = """
id {bigint} PRIMARY KEY, customer {integer}, code {code}, ordered {date}, created {timestamp},
changed {timestamptz}, amount {amount}, quantity {smallint}, weight {double}, paid {boolean},
note {text}, ident {uuid}
"""
_POSTGRESQL = {
    "bigint": "bigint", "integer": "integer", "code": "varchar(20)", "date": "date",
    "timestamp": "timestamp", "timestamptz": "timestamptz", "amount": "numeric(15,2)",
    "smallint": "smallint", "double": "double precision", "boolean": "boolean", "text": "text",
    "uuid": "uuid",
}  # fmt: skip
_SQLITE = {
    "bigint": "INTEGER", "integer": "INTEGER", "code": "VARCHAR(20)", "date": "DATE",
    "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ", "amount": "DECIMAL(15,2)",
    "smallint": "SMALLINT", "double": "REAL", "boolean": "BOOLEAN", "text": "TEXT", "uuid": "UUID",
}  # fmt: skip
_MARIADB = {
    "bigint": "bigint", "integer": "int", "code": "varchar(20)", "date": "date",
    "timestamp": "datetime(6)", "timestamptz": "timestamp(6) NULL", "amount": "decimal(15,2)",
    "smallint": "smallint", "double": "double", "boolean": "boolean", "text": "text",
    "uuid": "uuid",
}  # fmt: skip
FILL_ORDERS = """
INSERT INTO orders SELECT n, n % 10007, 'ORD-' || n, date '2020-01-01' + (n % 2000)::int,
  timestamp '2020-01-01' + (n % 99991) * interval '61.5 s',
  timestamptz '2020-01-01+00' + (n % 99991) * interval '1 min', (n % 1000003) / 100.0,
  (n % 30)::smallint, n * 1.37, n % 3 = 0,
  CASE WHEN n % 5 > 0 THEN 'a note of some length, number ' || n END, md5(n::text)::uuid
FROM generate_series(1, {rows}) AS n
"""
FILL_ORDERS_IN_MARIADB = """
INSERT INTO orders SELECT seq, seq % 10007, concat('ORD-', seq),
  date '2020-01-01' + INTERVAL (seq % 2000) DAY,
  timestamp '2020-01-01 00:00:00' + INTERVAL (seq % 99991) * 61500000 MICROSECOND,
  timestamp '2020-01-01 00:00:00' + INTERVAL (seq % 99991) MINUTE, (seq % 1000003) / 100.0,
  seq % 30, seq * 1.37e0, seq % 3 = 0,
  if(seq % 5 > 0, concat('a note of some length, number ', seq), NULL),
  insert(insert(md5(seq), 13, 1, '4'), 17, 1, '8')
FROM seq_1_to_{rows}
"""
_TEXTS, _NUMBERS = 60, 59


@dataclass(frozen=True)
class Subject:
    """A table: its definitions, how a database fills it, and the indexes that its copy has."""

    name: str
    postgresql: str
    fill: str
    indexes: tuple[str, ...]
    sqlite: str = ""
    mariadb: str = ""
    fill_mariadb: str = ""


def orders(rows: int) -> Subject:
    indexes = ("CREATE INDEX {name}_customer ON {table} (customer)",
               "CREATE INDEX {name}_ordered ON {table} (ordered)")  # fmt: skip
    postgresql, sqlite, mariadb = (
        ORDERS.format(**types) for types in (_POSTGRESQL, _SQLITE, _MARIADB)
    )
    return Subject(
        name="orders",
        postgresql=postgresql,
        fill=FILL_ORDERS.format(rows=rows),
        indexes=indexes,
        sqlite=sqlite,
        mariadb=mariadb,
        fill_mariadb=FILL_ORDERS_IN_MARIADB.format(rows=rows),
    )


def wide(rows: int) -> Subject:
    texts = [f"tx{n:03} char({5 + n % 20})" for n in range(_TEXTS)]
    numbers = [f"nr{n:03} numeric" for n in range(_NUMBERS)]
    values = [f"'v' || (n * {n} % 991)" for n in range(1, _TEXTS + 1)]
    values += [f"n * {n} % 99991" for n in range(1, _NUMBERS + 1)]
    return Subject(
        "wide",
        f"id bigint PRIMARY KEY, {', '.join(texts + numbers)}",
        f"INSERT INTO wide SELECT n, {', '.join(values)} FROM generate_series(1, {rows}) AS n",  # noqa: S608 - numbers
        ("CREATE INDEX {name}_first ON {table} (nr000)",),
    )


def make_in_postgresql(url: str, subject: Subject) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(f"CREATE TABLE {subject.name} ({subject.postgresql})".encode())
        connection.execute(subject.fill.encode())
        connection.execute(f"VACUUM ANALYZE {subject.name}".encode())


def make_in_mariadb(url: str, subject: Subject) -> None:
    place = urlsplit(url)
    where = {"host": place.hostname, "port": place.port, "database": place.path.removeprefix("/")}
    with (
        closing(pymysql.connect(**where, user=place.username, autocommit=True)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute(f"CREATE TABLE {subject.name} ({subject.mariadb})")
        cursor.execute(subject.fill_mariadb)
        cursor.execute(f"ANALYZE TABLE {subject.name}")


def make_in_sqlite(file: Path, url: str, subject: Subject) -> None:
    """The rows of the PostgreSQL table, as an application would have written them."""
    text = file.with_suffix(".csv")
    with closing(psycopg.connect(url)) as connection, text.open("wb") as out:
        sql = f"COPY (SELECT {_AS_TEXT} FROM {subject.name}) TO STDOUT (FORMAT csv)"  # noqa: S608 - ours
        with connection.cursor().copy(sql.encode()) as copy:
            for part in copy:
                out.write(part)
    import_csv(file, subject, text)
    text.unlink()


_AS_TEXT = """
id, customer, code, ordered, created, to_char(changed AT TIME ZONE 'UTC',
'YYYY-MM-DD HH24:MI:SS') || '+00:00', amount, quantity, weight, paid::int, note, ident
"""


def import_csv(file: Path, subject: Subject, text: Path) -> None:
    """An empty field is NULL."""
    with closing(sqlite3.connect(file)) as connection, text.open(newline="") as lines:
        connection.execute(f"CREATE TABLE {subject.name} ({subject.sqlite})")
        rows = csv.reader(lines)
        places = ", ".join("nullif(?, '')" for _ in range(12))
        connection.executemany(f"INSERT INTO {subject.name} VALUES ({places})", rows)  # noqa: S608 - ours
        connection.commit()
