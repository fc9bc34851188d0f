"""A SQL connector on SQLite: statements, transactions, streams, and what goes wrong."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from nomaflow.connectors.base import ConnectorSettings, ResolvedPool
from nomaflow.connectors.registry import Connectors, ConnectorTypes
from nomaflow.connectors.sql import NamedQuery, SqlConnector, SqlDefinition
from nomaflow.errors import NotFound, StepFailed, StepRefused, Unreachable

QUERIES = {"all_of_them": NamedQuery(sql="SELECT a, b FROM t ORDER BY a")}


class Settings(dict[str, ConnectorSettings]):
    """Connector settings by name, to be changed by a test."""

    def __call__(self, name: str) -> ConnectorSettings:
        return self[name]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    pool = ResolvedPool("db", f"sqlite:///{tmp_path}/db.sqlite")
    definition = SqlDefinition(pool="db", queries=QUERIES)
    return Settings(
        {name: ConnectorSettings(name, "sql", definition, pool) for name in ("db", "same")}
    )


@pytest.fixture
def connectors(settings: Settings) -> Iterator[Connectors]:
    connectors = Connectors(settings, ConnectorTypes.discover())
    yield connectors
    connectors.close()


@pytest.fixture
def db(connectors: Connectors) -> SqlConnector:
    db = connectors.get("db")
    assert isinstance(db, SqlConnector)
    db.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")
    return db


def test_execute_gives_columns_rows_and_their_number(db: SqlConnector) -> None:
    assert db.execute("INSERT INTO t VALUES (1, 'x'), (2, NULL)").rowcount == 2
    result = db.execute("SELECT * FROM t WHERE a < :top", {"top": 9, "unused": 0})
    assert result.columns == ("a", "b")
    assert [(row.a, row[1]) for row in result] == [(1, "x"), (2, None)]
    assert result.mappings() == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert result.rowcount == 2


def test_each_statement_is_committed_by_itself(db: SqlConnector, tmp_path: Path) -> None:
    db.execute("INSERT INTO t VALUES (1, 'x')")
    with sqlite3.connect(tmp_path / "db.sqlite") as other:
        assert other.execute("SELECT count(*) FROM t").fetchone() == (1,)
    other.close()


def test_count_keeps_the_first_row_alone(db: SqlConnector) -> None:
    db.execute("INSERT INTO t VALUES (1, 'x'), (2, 'y')")
    count = db.count("SELECT b FROM t ORDER BY a DESC")
    assert (count.rowcount, count.first_row) == (2, ("y",))
    assert db.count("DELETE FROM t RETURNING a").rowcount == 2
    assert db.count("SELECT * FROM t").first_row is None


def test_scalar_is_the_first_value_or_none(db: SqlConnector) -> None:
    assert db.scalar("SELECT count(*) FROM t") == 0
    assert db.scalar("SELECT a FROM t") is None


def test_a_named_query_runs_by_its_name(db: SqlConnector) -> None:
    db.execute("INSERT INTO t VALUES (1, 'x')")
    assert list(db.execute(" all_of_them ")) == [(1, "x")]
    assert db.query("all_of_them") is QUERIES["all_of_them"]
    with pytest.raises(NotFound, match=r"no query 'other'. Known queries: all_of_them"):
        db.query("other")


def test_a_transaction_commits_at_its_end(db: SqlConnector) -> None:
    with db.transaction() as transaction:
        transaction.execute("INSERT INTO t VALUES (1, 'x')")
        transaction.execute("INSERT INTO t VALUES (2, 'y')")
        assert transaction.scalar("SELECT count(*) FROM t") == 2
    assert db.scalar("SELECT count(*) FROM t") == 2


def test_a_failed_transaction_leaves_nothing(db: SqlConnector) -> None:
    with suppress(StepFailed), db.transaction() as transaction:
        transaction.execute("INSERT INTO t VALUES (1, 'x')")
        transaction.execute("INSERT INTO t VALUES (1, 'y')")
    assert db.scalar("SELECT count(*) FROM t") == 0


def test_a_stream_gives_rows_before_the_statement_is_done(db: SqlConnector) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    rows = db.stream(endless)
    assert [next(rows).i for _ in range(3)] == [1, 2, 3]
    rows.close()  # type: ignore[attr-defined]  # a generator
    assert db.scalar("SELECT 1") == 1


def test_a_second_statement_beside_an_open_stream_is_refused(db: SqlConnector) -> None:
    db.execute("INSERT INTO t VALUES (1, 'x'), (2, 'y')")
    with db.transaction() as transaction:
        rows = transaction.stream("SELECT a FROM t")
        next(rows)
        with pytest.raises(StepFailed, match="stream is still open"):
            transaction.execute("DELETE FROM t")
        assert [row.a for row in rows] == [2]
        transaction.execute("DELETE FROM t")


def test_a_missing_value_is_refused_before_anything_runs(db: SqlConnector) -> None:
    with pytest.raises(StepRefused, match=":a without a value"):
        db.execute("INSERT INTO t VALUES (:a, 'x')")


def test_an_error_bears_the_drivers_type_and_message_alone(db: SqlConnector) -> None:
    with pytest.raises(StepFailed, match="no such table: absent") as failure:
        db.execute("SELECT 'secret text' FROM absent WHERE a = :a", {"a": "secret value"})
    assert failure.value.type == "OperationalError"
    assert "secret" not in str(failure.value)
    assert failure.value.__cause__ is None


def test_check_tells_that_the_database_cannot_be_reached(
    settings: Settings, connectors: Connectors, db: SqlConnector
) -> None:
    db.check()
    pool = ResolvedPool("db", "sqlite:////nowhere/at/all.db")
    settings["db"] = replace(settings["db"], pool=pool)
    with pytest.raises(Unreachable, match="Connector 'db': unable to open database file"):
        connectors.get("db").check()


def test_an_exhausted_pool_says_which_and_what_to_do(
    settings: Settings, connectors: Connectors
) -> None:
    pool = settings["db"].pool
    assert pool is not None
    settings["db"] = replace(settings["db"], pool=replace(pool, size=1))
    db = connectors.get("db")
    assert isinstance(db, SqlConnector)
    db.engine.pool._timeout = 0  # type: ignore[attr-defined]  # 30 s would be long for a test
    with db.transaction(), pytest.raises(Unreachable, match="All 1 connections of pool 'db'"):
        db.execute("SELECT 1")


def test_two_connectors_on_one_pool_share_its_engine(connectors: Connectors) -> None:
    first, second = connectors.get("db"), connectors.get("same")
    assert isinstance(first, SqlConnector)
    assert isinstance(second, SqlConnector)
    assert first is connectors.get("db")
    assert first.engine is second.engine


def test_a_changed_pool_is_opened_anew(
    settings: Settings, connectors: Connectors, tmp_path: Path
) -> None:
    before = connectors.get("db")
    pool = ResolvedPool("db", f"sqlite:///{tmp_path}/other.sqlite")
    settings["db"] = replace(settings["db"], pool=pool)
    after = connectors.get("db")
    assert isinstance(after, SqlConnector)
    assert after is not before
    assert str(after.engine.url).endswith("other.sqlite")


def test_an_unknown_type_lists_those_that_are_installed(
    settings: Settings, connectors: Connectors
) -> None:
    settings["db"] = replace(settings["db"], type="smoke")
    with pytest.raises(NotFound, match=r"Unknown connector type 'smoke'. Installed are: .*sql"):
        connectors.get("db")


def test_statements_take_part_in_the_cancel_of_their_attempt(db: SqlConnector) -> None:
    hooks = []

    @contextmanager
    def on_cancel(hook: object) -> Iterator[None]:
        hooks.append(hook)
        yield
        hooks.remove(hook)

    cancellable = db.cancellable(on_cancel)
    db.execute("INSERT INTO t VALUES (1, 'x'), (2, 'y')")
    rows = cancellable.stream("SELECT * FROM t")
    next(rows)
    assert len(hooks) == 1
    assert len(list(rows)) == 1
    assert hooks == []


def test_the_drivers_own_connection_can_be_borrowed(db: SqlConnector) -> None:
    with db.raw_connection() as connection:
        assert isinstance(connection, sqlite3.Connection)
