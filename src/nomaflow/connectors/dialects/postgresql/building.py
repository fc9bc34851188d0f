"""The indexes of a stash that is loaded, built by some sessions side by side.

Nobody but them uses the stash. So they wait for its locks as long as they must, which sends the
server's own maintenance away, and nobody queues up behind.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

import psycopg

from nomaflow.connectors.dialects.postgresql.belongings import Index
from nomaflow.connectors.dialects.postgresql.expressions import quote
from nomaflow.connectors.dialects.postgresql.session import cancel, siblings, side_by_side
from nomaflow.connectors.dialects.postgresql.source import reference
from nomaflow.connectors.tables import TableName

_WORTH_A_SESSION_BYTES: Final = 16 * 1024 * 1024
_MOST_SESSIONS: Final = 4
_NEED_NO_WORKERS: Final = 3


def build(connection: psycopg.Connection[Any], stash: TableName, indexes: Sequence[Index]) -> None:
    """Build them all, under their temporary names; a cancel of `connection` ends everyone."""
    with siblings(connection, _helpful(connection, stash, len(indexes))) as others:
        sessions = [connection, *others]
        unbuilt = deque(_statements(indexes, len(sessions)))

        def stop() -> None:
            unbuilt.clear()
            cancel(sessions)

        theirs = [partial(_build_from, unbuilt, other) for other in others]
        side_by_side([partial(_build_all, unbuilt, connection, stash), *theirs], stop)


def _helpful(connection: psycopg.Connection[Any], stash: TableName, indexes: int) -> int:
    """How many more sessions are worth their while."""
    found = connection.execute("SELECT pg_relation_size(%s)", [reference(stash)]).fetchone()
    is_large = found is not None and found[0] >= _WORTH_A_SESSION_BYTES
    return max(min(indexes, _MOST_SESSIONS) - 1, 0) if is_large else 0


def _statements(indexes: Sequence[Index], sessions: int) -> Iterator[str]:
    """Each is a transaction. Enough sessions need no workers, whose sorts must be merged again."""
    alone = sessions >= _NEED_NO_WORKERS
    for index in indexes:
        settings = ["SET LOCAL max_parallel_maintenance_workers = 0"] if alone else []
        if index.tablespace:
            settings.append(f"SET LOCAL default_tablespace = {quote(index.tablespace)}")
        yield "; ".join([*settings, index.statement or ""])


def _build_all(unbuilt: deque[str], connection: psycopg.Connection[Any], stash: TableName) -> None:
    """Build, then wait for the others in a statement that can be cancelled: their locks end it."""
    _build_from(unbuilt, connection)
    with connection.transaction():
        connection.execute(f"LOCK TABLE {reference(stash)} IN SHARE UPDATE EXCLUSIVE MODE".encode())


def _build_from(unbuilt: deque[str], connection: psycopg.Connection[Any]) -> None:
    while unbuilt:
        try:
            statement = unbuilt.popleft()
        except IndexError:  # another one was faster
            return
        connection.execute(statement.encode())
