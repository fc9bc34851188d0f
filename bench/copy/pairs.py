"""What is measured: for each pair of databases, the tool that one would use instead."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.copy.tables import Subject, orders, wide, with_dictionary

BINARY_PIPE = (
    'psql -qX "{source}" -c "COPY (SELECT * FROM {table}) TO STDOUT (FORMAT binary)"'
    ' | psql -qX "{target}" -c "COPY {bare} FROM STDIN (FORMAT binary)"'
)
INSIDE = 'psql -qX "{target}" -c "INSERT INTO {bare} SELECT * FROM {table}"'
SQLITE_PIPE = (
    'sqlite3 -csv "{source_file}" "SELECT * FROM {table}"'
    ' | psql -qX "{target}" -c "COPY {bare} FROM STDIN (FORMAT csv)"'
)
INTO_SQLITE = (
    'psql -qX "{source}" -c "COPY ({as_text}) TO STDOUT (FORMAT csv)"'
    ' | sqlite3 "{target_file}" ".mode csv" ".import /dev/stdin {bare}"'
)
# A zero date or a text "NULL" would come wrong through it.
MYSQL_PIPE = (
    "{source_client} --quick -B -N --init-command=\"SET time_zone = '+00:00'\""
    ' -e "SELECT * FROM {table}"'
    ' | psql -qX "{target}" -c "SET TimeZone = \'UTC\'"'
    " -c \"COPY {bare} FROM STDIN (NULL 'NULL')\""
)
INTO_MYSQL = (
    'psql -qX "{source}" -c "COPY ({as_plain_text}) TO STDOUT" | {target_client}'
    " -e \"SET time_zone = '+00:00'; LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE {bare}\""
)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """`tool` fills a bare table; the same indexes are then built as our target has.

    `share`: which part of the rows asked for is measured. `at_least` is the speed of our step
    against the tool's that it should have, `most_cpu` the same of CPU, `most_memory` by how many
    MiB the step's process may grow. `fields` are more of the step's; `converts`: they change types,
    so that the first copy makes the target.
    """

    name: str
    tool: str
    named: str
    at_least: str
    most_cpu: str = ""
    most_memory: str = "≤ 64"
    source: str = "postgresql"
    target: str = "postgresql"
    same_database: bool = False
    subject: Callable[[int], Subject] = orders
    share: int = 1
    fields: str = ""
    converts: bool = False
    has_peers: bool = False


BINARY = "psql binary | psql"
ARROW = "≤ 200"
PAIRS = {
    pair.name: pair
    for pair in (
        Pair(
            name="pg-pg orders",
            tool=BINARY_PIPE,
            named=BINARY,
            at_least="≥ 0.9",
            most_cpu="≤ 1.2",
            has_peers=True,
        ),
        Pair(
            name="pg-pg orders, 2 partitions",
            tool=BINARY_PIPE,
            named=BINARY,
            at_least="≥ 1.0",
            fields="partitions = 2",
        ),
        Pair(
            name="pg-pg wide",
            tool=BINARY_PIPE,
            named=BINARY,
            at_least="≥ 1.0",
            subject=wide,
            share=10,
        ),
        Pair(
            name="pg-pg wide, jde",
            tool=BINARY_PIPE,
            named=f"{BINARY}, nothing coerced",
            at_least="≥ 0.7",
            subject=with_dictionary,
            share=10,
            fields='type_coercion = "jde"',
            converts=True,
        ),
        Pair(
            name="one database",
            tool=INSIDE,
            named="INSERT … SELECT",
            at_least="≥ 0.9",
            same_database=True,
        ),
        Pair(
            name="sqlite-pg orders",
            tool=SQLITE_PIPE,
            named="sqlite3 | psql",
            at_least="≥ 1.2",
            most_memory=ARROW,
            source="sqlite",
        ),
        Pair(
            name="mariadb-pg orders",
            tool=MYSQL_PIPE,
            named="mysql | psql",
            at_least="≥ 0.85",
            most_memory=ARROW,
            source="mysql",
        ),
        Pair(
            name="pg-sqlite orders",
            tool=INTO_SQLITE,
            named="psql | sqlite3 .import",
            at_least="≥ 1.1",
            most_memory=ARROW,
            target="sqlite",
        ),
        Pair(
            name="pg-mariadb orders",
            tool=INTO_MYSQL,
            named="psql | mysql LOAD DATA",
            at_least="≥ 0.9",
            target="mysql",
        ),
    )
}
