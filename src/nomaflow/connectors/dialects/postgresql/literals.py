"""A query with its values written into it."""

from typing import Any

import psycopg
from psycopg import sql

from nomaflow.connectors.statement import inlined
from nomaflow.connectors.tables import Query


def literal(connection: psycopg.Connection[Any], query: Query) -> str:
    """The query with its parameters written into it: COPY takes none."""
    values = [sql.Literal(value).as_string(connection) for value in query.params]
    return inlined(query.sql, values) if values else query.sql
