"""The indexes of a stash that is loaded, built by two sessions side by side.

Nobody but them uses the stash. So they wait for its locks as long as they must, which sends the
server's own maintenance away, and nobody queues up behind.
"""

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import psycopg

from nomaflow.connectors.dialects.postgresql.belongings import Index
from nomaflow.connectors.dialects.postgresql.expressions import quote
from nomaflow.connectors.dialects.postgresql.session import cancel, siblings, side_by_side
from nomaflow.connectors.dialects.postgresql.source import reference
from nomaflow.connectors.tables import TableName

_WORTH_A_SESSION_BYTES: Final = 16 * 1024 * 1024


def build(connection: psycopg.Connection[Any], stash: TableName, indexes: Sequence[Index]) -> None:
    """Build them all, under their temporary names; a cancel of `connection` ends everyone."""
    unbuilt = deque(indexes)
    with siblings(connection, _helpful(connection, stash, len(indexes))) as others:

        def stop() -> None:
            unbuilt.clear()
            cancel([connection, *others])

        theirs = [partial(_build_from, unbuilt, other) for other in others]
        side_by_side([partial(_build_all, unbuilt, connection, stash), *theirs], stop)


def _helpful(connection: psycopg.Connection[Any], stash: TableName, indexes: int) -> int:
    """How many more sessions are worth their while."""
    found = connection.execute("SELECT pg_relation_size(%s)", [reference(stash)]).fetchone()
    return int(indexes > 1 and found is not None and found[0] >= _WORTH_A_SESSION_BYTES)


def _build_all(
    unbuilt: deque[Index], connection: psycopg.Connection[Any], stash: TableName
) -> None:
    """Build, then wait for the others in a statement that can be cancelled: their locks end it."""
    _build_from(unbuilt, connection)
    with connection.transaction():
        connection.execute(f"LOCK TABLE {reference(stash)} IN SHARE UPDATE EXCLUSIVE MODE".encode())


def _build_from(unbuilt: deque[Index], connection: psycopg.Connection[Any]) -> None:
    while unbuilt:
        try:
            index = unbuilt.popleft()
        except IndexError:  # the other one was faster
            return
        with connection.transaction():
            if index.tablespace:
                space = f"SET LOCAL default_tablespace = {quote(index.tablespace)}"
                connection.execute(space.encode())
            connection.execute((index.statement or "").encode())
