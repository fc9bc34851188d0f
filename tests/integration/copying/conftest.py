"""A place to run `sql_copy` steps against real databases."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import psycopg
import pymysql
import pytest

from nomaflow.connectors.base import Connector, ConnectorSettings, ResolvedPool
from nomaflow.connectors.jde_dictionary import JdeDictionary
from nomaflow.connectors.registry import Connectors, ConnectorTypes
from nomaflow.connectors.sql import SqlDefinition
from nomaflow.runner.hosts.cancellation import Cancellation
from nomaflow.steps.context import StepContext, StepFacts
from nomaflow.steps.sql_copy import STEP

RUN = StepFacts(
    run_id=1,
    job_id="nightly",
    step_name="copy",
    step_index=0,
    attempt=1,
    session_user="ada",
    started_at=datetime(2026, 11, 22, tzinfo=UTC),
)


class DeskPort:
    """The port of a step that runs right here."""

    def __init__(self, connectors: Connectors) -> None:
        self.lines: list[str] = []
        self.reports: list[tuple[int, int | None]] = []
        self.cancellation = Cancellation()
        self.when_told: Callable[[str], None] = lambda _: None
        self._connectors = connectors

    def log(self, level: str, message: str, *, source: str = "") -> None:
        self.lines.append(message)
        self.when_told(message)

    def progress(self, done: int, total: int | None) -> None:
        self.reports.append((done, total))

    def connector(self, name: str) -> Connector:
        return self._connectors.get(name)

    def is_cancelled(self) -> bool:
        return self.cancellation.is_asked()

    def on_cancel(self, hook: Callable[[], None]) -> AbstractContextManager[None]:
        return self.cancellation.on_cancel(hook)


class Desk:
    """Runs copies between the pools that it was told of."""

    def __init__(self) -> None:
        self.urls: dict[str, str] = {}
        self.patience = 10.0
        self.dictionary: JdeDictionary | None = None
        self._connectors = Connectors(self._settings, ConnectorTypes.discover())
        self.port = DeskPort(self._connectors)

    def copy(
        self,
        table: str | dict[str, Any],
        target: str | None = None,
        *,
        run_id: int = 1,
        schema: str | None = None,
        started_at: datetime = RUN.started_at,
        params: dict[str, Any] | None = None,
        dry_run: bool = False,
        **settings: Any,
    ) -> dict[str, Any]:
        """Copy from connector `source` to connector `target`; returns the step's output."""
        origin = table if isinstance(table, dict) else {"table": table}
        spec = STEP.Spec.model_validate(
            {
                "source": {"connector": "source", **origin},
                "target": {
                    "connector": "target",
                    "schema": schema,
                    "table": target or origin["table"],
                },
                **settings,
            }
        )
        facts = replace(
            RUN, run_id=run_id, started_at=started_at, params=params or {}, dry_run=dry_run
        )
        return dict(STEP.run(spec, StepContext(facts, self.port)))

    def close(self) -> None:
        self.port.cancellation.end()
        self._connectors.close()

    def _settings(self, name: str) -> ConnectorSettings:
        pool = ResolvedPool(name, self.urls[name], connect_timeout_seconds=self.patience)
        definition = SqlDefinition(pool=name, jde_dictionary=self.dictionary)
        return ConnectorSettings(name, "sql", definition, pool)


_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT relname FROM pg_class WHERE relkind = 'r'"
    " AND relnamespace::regnamespace::text"
    " NOT IN ('pg_catalog', 'information_schema', 'pg_toast')",
    "duckdb": "SELECT table_name FROM duckdb_tables()",
    "mariadb": "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = database() AND table_type = 'BASE TABLE'",
}


class Place:
    """A database of the test, read and written by its plain driver."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.kind = {"mysql": "mariadb"}.get(url.partition(":")[0], url.partition(":")[0])

    def open(self) -> Any:
        if self.kind == "duckdb":
            return duckdb.connect(self.url.removeprefix("duckdb:///"))
        if self.is_sqlite:
            return sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=30)
        if self.kind == "mariadb":
            return _mariadb(self.url)
        return psycopg.connect(self.url)

    def run(self, *statements: str) -> None:
        with closing(self.open()) as connection, closing(connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)
            if self.kind != "duckdb":  # each statement is committed there
                connection.commit()

    def insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if not rows:
            return
        if self.kind == "duckdb":
            self._append(table, rows)
            return
        places = ", ".join("?" if self.is_sqlite else "%s" for _ in rows[0])
        with closing(self.open()) as connection:
            connection.cursor().executemany(f"INSERT INTO {table} VALUES ({places})", rows)
            connection.commit()

    def _append(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        """As the driver wants it: a statement for each row takes it a thousand times as long."""
        with closing(self.open()) as connection:
            appender = connection.appender(table)
            appender.append_rows(rows)
            appender.flush()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(self.open()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def tables(self) -> list[str]:
        """Every table of ours that is there, temporary ones of other sessions included."""
        return sorted(name for (name,) in self.rows(_TABLES[self.kind]))


def _mariadb(url: str) -> Any:
    """A session that takes names in double quotes, as the other databases do."""
    place = urlsplit(url)
    modes = "STRICT_ALL_TABLES,ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT"
    return pymysql.connect(
        host=place.hostname,
        port=place.port or 3306,
        user=place.username or "",
        database=place.path.removeprefix("/"),
        charset="utf8mb4",
        init_command=f"SET sql_mode = '{modes}', time_zone = '+00:00'",
    )


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Callable[[str], Place]:
    return lambda name: Place(f"sqlite:///{tmp_path}/{name}.db")


@pytest.fixture
def places(
    request: pytest.FixtureRequest, sqlite: Callable[[str], Place], desk: Desk, tmp_path: Path
) -> Callable[[str, str], tuple[Place, Place]]:
    """Two databases by their kinds; two of one kind are two databases of one server."""

    def make(source: str, target: str) -> tuple[Place, Place]:
        pair = (_place(source, "source"), _place(target, "target"))
        desk.urls.update(source=pair[0].url, target=pair[1].url)
        return pair

    def _place(kind: str, name: str) -> Place:
        if kind == "sqlite":
            return sqlite(name)
        if kind == "duckdb":
            return Place(f"duckdb:///{tmp_path}/{name}.duckdb")
        server = request.getfixturevalue(f"{kind}_server")
        database = server.database()
        url = database.__enter__()
        request.addfinalizer(lambda: database.__exit__(None, None, None))
        return Place(url)

    return make
