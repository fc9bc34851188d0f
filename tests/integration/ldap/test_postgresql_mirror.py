"""Statements that are executed once for each row, on a real PostgreSQL."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from nomaflow.connectors.dialects.postgresql.mirror import PostgresqlMirror
from nomaflow.connectors.statement import parse

ROWS = 20_000
INSERT = parse("INSERT INTO items VALUES (:item)")


@pytest.fixture
def connection(postgresql_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE items (item integer PRIMARY KEY)")
        yield connection


def test_every_row_is_counted(connection: psycopg.Connection[Any]) -> None:
    rows = [(number,) for number in range(ROWS)]
    assert PostgresqlMirror(connection).run(INSERT, ["item"], rows) == ROWS


@pytest.mark.parametrize("place", [1, ROWS // 2, ROWS - 1])
def test_a_refused_row_is_told_once_and_the_connection_goes_on(
    connection: psycopg.Connection[Any], caplog: pytest.LogCaptureFixture, place: int
) -> None:
    mirror = PostgresqlMirror(connection)
    rows = [(number,) for number in range(ROWS)]
    rows[place] = (0,)
    mirror.execute("BEGIN")
    with pytest.raises(psycopg.errors.UniqueViolation):
        mirror.run(INSERT, ["item"], rows)
    assert caplog.messages == []
    mirror.execute("ROLLBACK")
    assert mirror.run(INSERT, ["item"], rows[:1]) == 1
