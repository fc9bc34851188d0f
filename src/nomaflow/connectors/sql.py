"""SQL connectors: statements on a pool, each of them cancellable. The dialect does the rest."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from pydantic import Field

from nomaflow.connectors.base import (
    ConnectorSettings,
    EngineLookup,
    OnCancel,
    ResolvedPool,
)
from nomaflow.connectors.dialects.base import Answer, Dialect
from nomaflow.connectors.dialects.registry import dialect_of
from nomaflow.connectors.jde_dictionary import JdeDictionary
from nomaflow.connectors.statement import Statement, parse
from nomaflow.domain.definition import Definition
from nomaflow.errors import NotFound, Refused, StepFailed, Unreachable

if TYPE_CHECKING:
    from sqlalchemy import Engine, PoolProxiedConnection, Row

Params = Mapping[str, Any]


class NamedQuery(Definition):
    """A statement with a name; `prune` is its companion for ldap_sync."""

    sql: str
    prune: str | None = None


class SqlDefinition(Definition):
    """A block [connectors.NAME] with type "sql"."""

    pool: str
    queries: Mapping[str, NamedQuery] = Field(default_factory=dict)
    jde_dictionary: JdeDictionary | None = None

    def located(self, home: Path) -> "SqlDefinition":
        """The same, the dictionary's file counted from the home folder."""
        if self.jde_dictionary is None:
            return self
        return self.model_copy(update={"jde_dictionary": self.jde_dictionary.located(home)})


@dataclass(frozen=True)
class Result:
    """All rows of a statement; `rowcount` says how many came back or were affected."""

    columns: tuple[str, ...]
    rows: "list[Row[Any]]"
    rowcount: int

    def __iter__(self) -> "Iterator[Row[Any]]":
        return iter(self.rows)

    def mappings(self) -> list[dict[str, Any]]:
        """The rows as column → value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Count:
    """What is left of rows that were counted and dropped; `first_row` is None without any."""

    columns: tuple[str, ...]
    rowcount: int
    first_row: tuple[Any, ...] | None


class Session:
    """One connection in use. Each call takes one statement, or the name of a named query."""

    def __init__(self, connector: "SqlConnector", connection: "PoolProxiedConnection") -> None:
        self._connector = connector
        self._connection = connection
        self._answering = False

    def execute(self, sql: str, params: Params | None = None) -> Result:
        """Run the statement and load its rows."""
        with self._answer(sql, params) as answer:
            rows = list(_rows(answer))
        return Result(answer.columns, rows, len(rows) if answer.columns else answer.affected)

    def count(self, sql: str, params: Params | None = None) -> Count:
        """Run the statement; its rows are counted to the end and dropped."""
        with self._answer(sql, params) as answer:
            first = next(answer.rows, None)
            rest = sum(1 for _ in answer.rows)
        returned = rest + (first is not None)
        return Count(answer.columns, returned if answer.columns else answer.affected, first)

    def scalar(self, sql: str, params: Params | None = None) -> Any:
        """The first column of the first row; None when there is none."""
        first = self.count(sql, params).first_row
        return first[0] if first else None

    def stream(self, sql: str, params: Params | None = None) -> "Iterator[Row[Any]]":
        """The rows, one after the other, without loading all."""
        with self._answer(sql, params) as answer:
            yield from _rows(answer)

    @contextmanager
    def _answer(self, sql: str, params: Params | None) -> Iterator[Answer]:
        """The statement's answer; it is cancellable while the context is open."""
        connector, driver = self._connector, self._connection.driver_connection
        statement = connector.statement(sql)
        values = statement.bound(params or {})
        with (
            self._one_at_a_time(),
            connector.failures(),
            connector.on_cancel(lambda: connector.dialect.cancel(driver)),
        ):
            answer = connector.dialect.run(driver, statement, values)
            try:
                yield answer
            finally:
                answer.close()

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        if self._answering:
            raise StepFailed(
                f"A stream is still open on this transaction of connector '{self._connector.name}'."
                " Read it to its end first, or stream outside of the transaction."
            )
        self._answering = True
        try:
            yield
        finally:
            self._answering = False


class SqlConnector:
    """A named way to one database. Thread-safe; each call takes a connection of the pool.

    A call is one statement that commits when it succeeds; `transaction()` holds several. Errors
    are Unreachable, or StepFailed with the driver's message, without SQL or parameters.
    """

    def __init__(self, settings: ConnectorSettings, engine: EngineLookup) -> None:
        if settings.pool is None or not isinstance(settings.definition, SqlDefinition):
            raise Refused(f"Connector '{settings.name}' names no pool.")
        self.name = settings.name
        self.pool: ResolvedPool = settings.pool
        self.dialect: Dialect = dialect_of(settings.pool.url)
        self.on_cancel: OnCancel = lambda _: nullcontext()
        self.jde_dictionary = settings.definition.jde_dictionary
        self._queries = settings.definition.queries
        self._engine_of = engine

    @property
    def engine(self) -> "Engine":
        """The pool's engine, shared with other connectors on it."""
        return self._engine_of(self.pool)

    def cancellable(self, on_cancel: OnCancel) -> Self:
        """The same connector, whose statements end when a stop is asked."""
        connector = copy(self)
        connector.on_cancel = on_cancel
        return connector

    def query(self, name: str) -> NamedQuery:
        """A named query. Raises NotFound."""
        try:
            return self._queries[name]
        except KeyError:
            known = ", ".join(self._queries) or "none"
            raise NotFound(
                f"Connector '{self.name}' has no query '{name}'. Known queries: {known}."
            ) from None

    def execute(self, sql: str, params: Params | None = None) -> Result:
        """Run one statement, or a named query, and load its rows."""
        with self._session() as session:
            return session.execute(sql, params)

    def count(self, sql: str, params: Params | None = None) -> Count:
        """Run one statement, or a named query; its rows are counted to the end and dropped."""
        with self._session() as session:
            return session.count(sql, params)

    def scalar(self, sql: str, params: Params | None = None) -> Any:
        """The first column of the first row; None when there is none."""
        with self._session() as session:
            return session.scalar(sql, params)

    def stream(self, sql: str, params: Params | None = None) -> "Iterator[Row[Any]]":
        """The rows of one statement, one after the other, without loading all."""
        with self._session() as session:
            yield from session.stream(sql, params)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Several statements that commit together at the end, or not at all."""
        with self.failures(), self.engine.begin() as connection:
            yield Session(self, connection.connection)

    @contextmanager
    def raw_connection(self) -> Iterator[Any]:
        """The driver's own connection, of the pool; who uses it registers its own cancel hook."""
        with self.failures():
            pooled = self.engine.raw_connection()
        try:
            yield pooled.driver_connection
        finally:
            pooled.close()

    def check(self) -> None:
        """Reach the database once. Raises Unreachable, or StepFailed when it refuses."""
        from sqlalchemy import literal_column, select

        probe = select(literal_column("1")).compile(dialect=self.engine.dialect)
        with self._session() as session:
            session.scalar(str(probe))

    def close(self) -> None:
        """Nothing of its own to give back: the engine belongs to the pool."""

    def statement(self, sql: str) -> Statement:
        """The statement; a named query's if `sql` is just its name."""
        named = self._queries.get(sql.strip())
        return parse(named.sql if named else sql)

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        from sqlalchemy.exc import SQLAlchemyError
        from sqlalchemy.exc import TimeoutError as PoolExhausted

        try:
            yield
        except PoolExhausted:
            raise Unreachable(
                f"All {self.pool.size} connections of pool '{self.pool.name}' stay in use. Raise "
                "its 'size' in connectors.toml, or let fewer steps use it at a time."
            ) from None
        except (SQLAlchemyError, self._driver_error) as error:
            self._raise(error)

    @contextmanager
    def _session(self) -> "Iterator[Session]":
        """A connection on which each statement is a transaction of its own."""
        with self.failures():
            pooled = self.engine.raw_connection()
        try:
            with self.failures():
                self.dialect.autocommit(pooled.driver_connection, enabled=True)
            yield Session(self, pooled)
            with self.failures():
                self.dialect.autocommit(pooled.driver_connection, enabled=False)
        except BaseException:
            pooled.invalidate()
            raise
        finally:
            pooled.close()

    @property
    def _driver_error(self) -> type[Exception]:
        driver: Any = self.engine.dialect.dbapi
        error: type[Exception] = driver.Error
        return error

    def _raise(self, error: BaseException) -> NoReturn:
        failure = self.dialect.failure(error)
        if failure.unreachable:
            raise Unreachable(f"Connector '{self.name}': {failure.message}") from None
        raise StepFailed(failure.message, cause=_cause(error)) from None


class SqlConnectorType:
    """`type = "sql"`: statements on a pool."""

    name: ClassVar[str] = "sql"
    Definition = SqlDefinition

    def open(self, settings: ConnectorSettings, engine: EngineLookup) -> SqlConnector:
        return SqlConnector(settings, engine)


def _rows(answer: Answer) -> "Iterator[Row[Any]]":
    from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData

    return iter(IteratorResult(SimpleResultMetaData(answer.columns), answer.rows))


def _cause(error: BaseException) -> str:
    return type(getattr(error, "orig", None) or error).__name__


CONNECTOR = SqlConnectorType()
