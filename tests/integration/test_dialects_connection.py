import sqlite3
import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from nomaflow.connectors.base import ResolvedPool
from nomaflow.connectors.dialects.registry import dialect_of


def test_a_postgresql_session_speaks_utf8_and_utc(postgresql_url: str) -> None:
    engine = dialect_of(postgresql_url).engine(ResolvedPool("erp", postgresql_url))
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW timezone")) == "UTC"
        assert connection.scalar(text("SHOW client_encoding")) == "UTF8"
    engine.dispose()


def test_a_mariadb_session_speaks_utf8_and_utc(mariadb_url: str) -> None:
    engine = dialect_of(mariadb_url).engine(ResolvedPool("erp", mariadb_url))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT @@session.time_zone")) == "+00:00"
        assert connection.scalar(text("SELECT @@character_set_client")) == "utf8mb4"
    engine.dispose()


SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
    "mysql": "SELECT sleep(5)",
}


@pytest.mark.parametrize("name", SLOW)
def test_a_running_statement_is_cancelled_from_another_thread(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    fixture = {"postgresql": "postgresql_url", "mysql": "mariadb_url"}.get(name)
    url = request.getfixturevalue(fixture) if fixture else f"sqlite:///{tmp_path}/a.db"
    dialect = dialect_of(url)
    engine = dialect.engine(ResolvedPool("erp", url))
    with engine.connect() as connection:
        stop = threading.Timer(0.2, dialect.cancel, [connection.connection])
        stop.start()
        with pytest.raises(DBAPIError) as caught:
            connection.execute(text(SLOW[name]))
        stop.join()
        assert SLOW[name] not in dialect.failure(caught.value).message
        assert not dialect.failure(caught.value).unreachable
    engine.dispose()


def test_a_server_that_does_not_answer_is_unreachable() -> None:
    url = "postgresql://nobody@127.0.0.1:9/none"
    engine = dialect_of(url).engine(ResolvedPool("erp", url, connect_timeout_seconds=1))
    with pytest.raises(DBAPIError) as caught:
        engine.connect()
    assert dialect_of(url).failure(caught.value).unreachable


def test_a_failure_says_neither_sql_nor_parameters(postgresql_url: str) -> None:
    dialect = dialect_of(postgresql_url)
    with psycopg.connect(postgresql_url) as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute("SELECT * FROM missing WHERE secret = 'hunter2'")
    assert dialect.failure(caught.value).message == 'relation "missing" does not exist'


def test_ddl_on_sqlite_takes_part_in_the_transaction(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    engine = dialect_of(url).engine(ResolvedPool("erp", url))
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE t (a)"))
        connection.rollback()
    engine.dispose()
    with sqlite3.connect(tmp_path / "a.db") as plain:
        assert plain.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    plain.close()
