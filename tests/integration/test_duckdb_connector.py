"""SQL steps on a DuckDB file."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nomaflow.connectors.base import ConnectorSettings, ResolvedPool
from nomaflow.connectors.copies import Way
from nomaflow.connectors.dialects.duckdb.dialect import DIALECT
from nomaflow.connectors.registry import Connectors, ConnectorTypes
from nomaflow.connectors.sql import SqlConnector, SqlDefinition
from nomaflow.connectors.statement import parse
from nomaflow.connectors.tables import Table, TableName
from nomaflow.errors import StepFailed, Unreachable


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"


@pytest.fixture
def db(file: Path) -> Iterator[SqlConnector]:
    pool = ResolvedPool("db", f"duckdb:///{file}?memory_limit=256MB&threads=1")
    definition = SqlDefinition(pool="db")
    connectors = Connectors(
        lambda name: ConnectorSettings(name, "sql", definition, pool), ConnectorTypes.discover()
    )
    db = connectors.get("db")
    assert isinstance(db, SqlConnector)
    db.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR)")
    yield db
    connectors.close()


def test_rows_are_counted_and_returned_with_parameters(db: SqlConnector) -> None:
    assert db.count("INSERT INTO t VALUES (1, 'x'), (2, NULL)").rowcount == 2
    assert db.count("CREATE INDEX i ON t (b)").rowcount == 0
    assert db.count("UPDATE t SET b = 'y' WHERE a >= :low AND a >= :low", {"low": 2}).rowcount == 1
    result = db.execute("SELECT * FROM t WHERE b = :b -- no :other", {"b": "y"})
    assert (result.columns, result.mappings()) == (("a", "b"), [{"a": 2, "b": "y"}])
    returned = db.count("DELETE FROM t RETURNING a")
    assert (returned.columns, returned.rowcount) == (("a",), 2)
    assert db.count('SELECT 5 AS "Count" WHERE false').columns == ("Count",)


def test_an_instant_comes_in_utc(db: SqlConnector) -> None:
    found = db.scalar("SELECT TIMESTAMPTZ '2026-03-29 02:30:00+02'")
    assert found == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert found.utcoffset() == timedelta()


def test_the_pools_settings_hold(db: SqlConnector) -> None:
    assert db.scalar("SELECT current_setting('threads')") == 1
    assert db.scalar("SELECT current_setting('memory_limit')") == "244.1 MiB"
    assert db.scalar("SELECT current_setting('TimeZone')") == "UTC"


@pytest.mark.parametrize(
    ("url", "streaming", "building"), [("", 91.5, 488.2), ("?memory_limit=256MB", 244.1, 244.1)]
)
def test_a_copy_takes_little_memory_until_it_builds_keys(
    file: Path, url: str, streaming: float, building: float
) -> None:
    def limit() -> float:
        return float(
            connection.execute("SELECT current_setting('memory_limit')").fetchone()[0][:-4]
        )

    pool = ResolvedPool("db", f"duckdb:///{file}{url}")
    proxy = DIALECT.engine(pool).raw_connection()
    connection: Any = proxy.driver_connection
    table = Table(TableName("t"), [], primary_key=("a",))
    target, source = DIALECT.target(connection), DIALECT.source(connection)
    target.begin(table.name)
    assert limit() == streaming
    target.ripen(table, Way.REPLACE)
    assert limit() == building
    source.begin()
    assert limit() == streaming
    source.query(parse("SELECT 1 AS a"), {})
    assert limit() == building
    proxy.close()


def test_a_long_statement_prints_no_progress_bar(db: SqlConnector) -> None:
    found = db.execute("SELECT current_setting('enable_progress_bar')")
    assert found.rows == [(False,)]


def test_a_transaction_commits_at_its_end_or_not_at_all(db: SqlConnector) -> None:
    with db.transaction() as transaction:
        transaction.execute("INSERT INTO t VALUES (1, 'x')")
        assert transaction.scalar("SELECT count(*) FROM t") == 1
    with suppress(StepFailed), db.transaction() as transaction:
        transaction.execute("INSERT INTO t VALUES (2, 'y')")
        transaction.execute("INSERT INTO t VALUES (1, 'again')")
    assert db.scalar("SELECT max(a) FROM t") == 1


def test_a_stream_may_be_left_before_its_end(db: SqlConnector) -> None:
    with db.transaction() as transaction:
        rows = transaction.stream("SELECT i FROM range(10000000) AS r(i)")
        assert [next(rows).i for _ in range(3)] == [0, 1, 2]
        rows.close()  # type: ignore[attr-defined]  # a generator
        assert transaction.execute("INSERT INTO t VALUES (1, 'x')").rowcount == 1
    assert db.scalar("SELECT count(*) FROM t") == 1


def test_an_error_shows_no_sql(db: SqlConnector) -> None:
    with pytest.raises(StepFailed, match=r"^Table with name absent does not exist") as failure:
        db.execute("SELECT 'secret text' FROM absent")
    assert "secret" not in str(failure.value)


def test_a_running_statement_can_be_stopped(db: SqlConnector) -> None:
    with db.transaction() as transaction:
        driver = transaction._connection.driver_connection
        stop = threading.Timer(0.2, db.dialect.cancel, [driver])
        stop.start()
        with pytest.raises(StepFailed, match="Interrupted"):
            transaction.scalar(
                "SELECT count(*) FROM range(1000000) AS a(i), range(1000000) AS b(j)"
                " WHERE i * j % 7 = 3"
            )
        stop.join()


def test_the_file_is_let_go_between_statements(db: SqlConnector, file: Path) -> None:
    insert = (
        "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(\"INSERT INTO t VALUES (9, '')\")"
    )
    subprocess.run([sys.executable, "-c", insert, str(file)], check=True)
    assert db.scalar("SELECT a FROM t") == 9


def test_a_file_that_is_no_database_is_named(file: Path, db: SqlConnector) -> None:
    file.write_text("no database, " * 1000)
    with pytest.raises(Unreachable, match=r"warehouse\.duckdb.*not a valid DuckDB"):
        db.check()
