"""Statements of sql_query steps: what they leave behind, and that a cancel stops the database."""

import asyncio
import time
from pathlib import Path

import psycopg
import pymysql
import pytest
from sqlalchemy import make_url
from tests.integration.hosts.stage import Stage, Watcher, cancelled, until

from nomaflow.connectors.base import ResolvedPool
from nomaflow.errors import StepFailed, StepRefused, Unreachable

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


class Server:
    """A second session on a server, that sees what others execute."""

    def __init__(self, url: str) -> None:
        self.url = url

    def running(self, word: str) -> int:
        """How many statements that hold `word` execute in other sessions."""
        raise NotImplementedError


class Postgresql(Server):
    sleep = "SELECT pg_sleep(3600)"

    def running(self, word: str) -> int:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' "
            "AND query LIKE %s AND pid <> pg_backend_pid()"
        )
        with psycopg.connect(self.url) as connection:
            row = connection.execute(query, [f"%{word}%"]).fetchone()
        return row[0] if row else 0


class Mariadb(Server):
    sleep = "SELECT SLEEP(3600)"

    def running(self, word: str) -> int:
        url = make_url(self.url)
        query = (
            "SELECT count(*) FROM information_schema.processlist "
            "WHERE info LIKE %s AND id <> connection_id()"
        )
        place = {"host": url.host, "port": url.port, "user": url.username, "database": url.database}
        with pymysql.connect(**place) as connection, connection.cursor() as cursor:
            cursor.execute(query, [f"%{word}%"])
            row = cursor.fetchone()
        return row[0] if row else 0


@pytest.fixture(params=[Postgresql, Mariadb])
def server(request: pytest.FixtureRequest, stage: Stage) -> Server:
    fixture = "postgresql_url" if request.param is Postgresql else "mariadb_url"
    server = request.param(request.getfixturevalue(fixture))
    stage.pools["db"] = ResolvedPool("db", server.url)
    return server


async def test_a_long_statement_on_sqlite_ends_within_half_a_second(stage: Stage) -> None:
    running = asyncio.create_task(stage.query(ENDLESS))
    await until(lambda: stage.connectors.engine(stage.pools["db"]).pool.checkedout() == 1)
    before = time.perf_counter()
    await cancelled(running)
    assert time.perf_counter() - before < 0.5


async def test_a_cancelled_statement_is_gone_from_the_server(
    stage: Stage, server: Postgresql | Mariadb
) -> None:
    running = asyncio.create_task(stage.query(server.sleep))
    await until(lambda: server.running("3600") == 1)
    await cancelled(running)
    await until(lambda: server.running("3600") == 0)


async def test_a_cancelled_statement_of_user_code_is_gone_from_the_server(
    stage: Stage, server: Postgresql | Mariadb
) -> None:
    stage.plugin(
        "def waits(ctx, *, sql, **_): ctx.get_connector('db').execute(sql)\n"
        "async def awaits(ctx, *, sql, **_): await ctx.get_connector('db').execute(sql)\n"
    )
    for function in ("waits", "awaits"):
        running = asyncio.create_task(stage.call(function, sql=server.sleep))
        await until(lambda: server.running("3600") == 1)
        await cancelled(running)
        await until(lambda: server.running("3600") == 0)


async def test_the_connection_works_after_a_cancel(
    stage: Stage, server: Postgresql | Mariadb
) -> None:
    running = asyncio.create_task(stage.query(server.sleep))
    await until(lambda: server.running("3600") == 1)
    await cancelled(running)
    assert await stage.query("SELECT 1") == {"rows_affected": 1}


async def test_a_cancel_between_two_statements_stops_the_second(stage: Stage) -> None:
    stage.plugin(
        "import threading\n"
        "def endless(ctx, *, sql, **_):\n"
        "    db = ctx.get_connector('db')\n"
        "    with ctx.on_cancel(asked.set):\n"
        "        ctx.log.info('ready')\n"
        "        asked.wait()\n"
        "    try:\n"
        "        db.execute(sql)\n"
        "    except Exception as error:\n"
        "        ctx.log.info('ended: %s', error)\n"
        "asked = threading.Event()\n"
    )
    stage.process._grace_seconds = 5
    watcher = Watcher()
    running = asyncio.create_task(stage.call("endless", watcher, sql=ENDLESS))
    await watcher.line("ready")
    await cancelled(running)
    assert watcher.messages[-1] == "ended: interrupted"


async def test_statements_that_refuse_a_transaction_run(stage: Stage, postgresql_url: str) -> None:
    stage.pools["db"] = ResolvedPool("db", postgresql_url)
    for statement in (
        "CREATE TABLE t (a int)",
        "VACUUM t",
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "CREATE MATERIALIZED VIEW m AS SELECT a FROM t",
        "REFRESH MATERIALIZED VIEW m",
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2); END $$",
        "CALL p()",
    ):
        assert await stage.query(statement) == {"rows_affected": 0}
    assert await stage.query("SELECT * FROM t") == {"rows_affected": 2}


async def test_a_procedure_of_mariadb_runs(stage: Stage, mariadb_url: str) -> None:
    stage.pools["db"] = ResolvedPool("db", mariadb_url)
    await stage.query("CREATE TABLE t (a int)")
    await stage.query(
        "CREATE PROCEDURE p() BEGIN INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); "
        "SELECT * FROM t; SELECT 'a % and : sign'; END"
    )
    assert await stage.query("CALL p()") == {"rows_affected": 2}
    assert await stage.query("DELETE FROM t WHERE a % 2 = :rest", rest=1) == {"rows_affected": 1}


async def test_rows_are_counted_whether_returned_or_affected(
    stage: Stage, postgresql_url: str
) -> None:
    stage.pools["db"] = ResolvedPool("db", postgresql_url)
    await stage.query("CREATE TABLE t AS SELECT generate_series(1, 10) AS a")
    for statement, rows in (
        ("SELECT * FROM t WHERE a > :low", 7),
        ("INSERT INTO t SELECT a FROM t", 10),
        ("DELETE FROM t WHERE a > :low RETURNING a", 14),
        ("WITH gone AS (DELETE FROM t RETURNING a) INSERT INTO t SELECT a FROM gone LIMIT 1", 1),
        ("UPDATE t SET a = :low::int WHERE '%s :low' <> $$ ' :low $$", 1),
        ("SELECT * FROM t WHERE false", 0),
    ):
        assert await stage.query(statement, low=3) == {"rows_affected": rows}


async def test_many_rows_are_counted_in_bounded_memory(stage: Stage, postgresql_url: str) -> None:
    stage.pools["db"] = ResolvedPool("db", postgresql_url)
    before = _peak_kib()
    counted = await stage.query("SELECT i, repeat('x', 500) FROM generate_series(1, 300000) i")
    assert counted == {"rows_affected": 300_000}
    assert _peak_kib() - before < 60_000


async def test_an_error_tells_the_drivers_message_without_sql_or_parameters(
    stage: Stage, server: Postgresql | Mariadb, watcher: Watcher
) -> None:
    await stage.query("CREATE TABLE t (a int PRIMARY KEY)")
    await stage.query("INSERT INTO t VALUES (4711)")
    with pytest.raises(StepFailed, match=r"(?i)duplicate") as failure:
        await stage.query("INSERT INTO t VALUES (4711) /* text */", watcher)
    assert "text" not in str(failure.value)
    assert [level for level, message, _ in watcher.lines if "text" in message] == ["DEBUG"]


async def test_an_unreachable_database_is_told_from_a_failing_statement(stage: Stage) -> None:
    stage.pools["db"] = ResolvedPool("db", "postgresql://nobody@127.0.0.1:1/x")
    with pytest.raises(Unreachable, match="Connector 'db'"):
        await stage.query("SELECT 1")


async def test_an_unbound_name_is_refused_before_the_statement_runs(stage: Stage) -> None:
    await stage.query("CREATE TABLE t (a)")
    with pytest.raises(StepRefused, match=r":nope without a value.*'low', 'run_id'"):
        await stage.query("INSERT INTO t VALUES (:nope)", low=1)
    assert await stage.query("SELECT * FROM t") == {"rows_affected": 0}


async def test_facts_of_the_run_are_always_bound(stage: Stage, watcher: Watcher) -> None:
    fields = {
        "connector": "db",
        "query": "SELECT :session_user AS who, :run_id AS run",
        "capture_first_row": True,
    }
    output = await stage.step("sql_query", fields, watcher, {"session_user": "someone else"})
    assert output == {"rows_affected": 1, "first_row": {"who": "cli:ann", "run": 7}}
    assert watcher.lines == [
        ("DEBUG", "SELECT :session_user AS who, :run_id AS run", ""),
        ("INFO", "1 row returned on 'db'", ""),
    ]


def _peak_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
