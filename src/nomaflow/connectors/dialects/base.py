"""The seam of the dialects: what one database does differently. A new one is one file here.

A file defines one instance named `DIALECT`. Installed packages offer theirs in the entry point
group `nomaflow.dialects`, named after a URL scheme and pointing at such an instance. A dialect
imports its driver when it connects, so that a missing driver breaks nobody else.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from nomaflow.connectors.base import ResolvedPool
from nomaflow.connectors.copies import Source, Target
from nomaflow.connectors.mirrors import Mirror
from nomaflow.connectors.statement import Statement

if TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass(frozen=True)
class Failure:
    """A driver's error in one or two sentences, without SQL or parameters.

    `unreachable` says that the database did not answer, so that trying again may help.
    """

    message: str
    unreachable: bool = False


@dataclass(frozen=True)
class Answer:
    """What a statement gave: rows as they come from the database, or how many it affected.

    `columns` is empty when the statement gives no rows; `affected` counts only then.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]
    affected: int
    close: Callable[[], None]


class Dialect(Protocol):
    """One database family. Stateless, shared by every thread."""

    name: str
    schemes: frozenset[str]

    def engine(self, pool: ResolvedPool) -> "Engine":
        """An engine for the pool; it connects when first used.

        Sessions speak UTF-8 and UTC. Raises NotFound when the driver is not installed.
        """

    def autocommit(self, connection: Any, *, enabled: bool) -> None:
        """Whether each statement on a driver's connection is a transaction of its own."""

    def run(self, connection: Any, statement: Statement, values: Mapping[str, Any]) -> Answer:
        """Execute on a driver's connection. Memory stays bounded, however many rows come."""

    def cancel(self, connection: Any) -> None:
        """Stop the statement that runs on a driver's connection, from another thread.

        The interrupted call raises in its own thread; an idle connection is left as it is.
        """

    def source(self, connection: Any) -> Source:
        """Reads tables on a driver's connection that is the copy's own.

        Raises StepRefused where this dialect cannot be copied from.
        """

    def target(self, connection: Any) -> Target:
        """Fills tables on a driver's connection that is the copy's own.

        Raises StepRefused where this dialect cannot be copied to.
        """

    def mirror(self, connection: Any) -> Mirror:
        """Brings tables in line with a list, on a driver's connection that is the mirror's own.

        Raises StepRefused where this dialect cannot do that.
        """

    def emptying(self, table: str) -> str:
        """The fastest statement that deletes every row of the table, whose name is quoted."""

    def failure(self, error: BaseException) -> Failure:
        """What a driver's error, or SQLAlchemy's wrapping of it, says."""


def answer_of(cursor: Any) -> Answer:
    """The answer in a driver's cursor that has executed."""
    columns = tuple(column[0] for column in cursor.description or ())
    rows = iter(cursor.fetchone, None) if columns else iter(())
    return Answer(columns, rows, max(cursor.rowcount, 0), cursor.close)


def driver_connection(connection: Any) -> Any:
    """The driver's own connection under a pool's proxy; itself when there is none."""
    return getattr(connection, "driver_connection", None) or connection


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, then what it wraps or was raised from, outermost first."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = getattr(seen, "orig", None) or seen.__cause__
