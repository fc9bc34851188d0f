"""What is measured: for each pair of databases, the tool that one would use instead."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.copy.tables import Subject, orders, wide

BINARY_PIPE = (
    'psql -qX "{source}" -c "COPY (SELECT * FROM {table}) TO STDOUT (FORMAT binary)"'
    ' | psql -qX "{target}" -c "COPY {bare} FROM STDIN (FORMAT binary)"'
)
INSIDE = 'psql -qX "{target}" -c "INSERT INTO {bare} SELECT * FROM {table}"'
SQLITE_PIPE = (
    'sqlite3 -csv "{source_file}" "SELECT * FROM {table}"'
    ' | psql -qX "{target}" -c "COPY {bare} FROM STDIN (FORMAT csv)"'
)
# A zero date or a text "NULL" would come wrong through it.
MARIADB_PIPE = (
    "mysql --batch --quick --skip-column-names {source_options}"
    """ -e "SET time_zone = '+00:00'; SELECT * FROM {table}\""""
    """ | psql -qX "{target}" -c "COPY {bare} FROM STDIN (NULL 'NULL')\""""
)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """`tool` fills a bare table; the same indexes are then built as our target has.

    `share`: which part of the rows asked for is measured. `at_least` is the speed of our step
    against the tool's that it should have, `most_cpu` the same of CPU.
    """

    name: str
    tool: str
    named: str
    at_least: str
    most_cpu: str = ""
    source: str = "postgresql"
    same_database: bool = False
    subject: Callable[[int], Subject] = orders
    share: int = 1


BINARY = "psql binary | psql"
PAIRS = {
    pair.name: pair
    for pair in (
        Pair(
            name="pg-pg orders", tool=BINARY_PIPE, named=BINARY, at_least="≥ 0.9", most_cpu="≤ 1.2"
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
            source="sqlite",
        ),
        Pair(
            name="mariadb-pg orders",
            tool=MARIADB_PIPE,
            named="mysql -B | psql",
            at_least="≥ 0.85",
            source="mariadb",
        ),
    )
}
