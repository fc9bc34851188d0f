"""Helpers for Python steps that move and tidy rows, on the connectors and the copy engine.

Each takes the step's `ctx` first and names its connectors. They block; in an `async def` function
await `asyncio.to_thread(…)` around them, or use `ctx.run_copy` and the connector itself.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, NamedTuple

from nomaflow.connectors.sql import SqlConnector
from nomaflow.connectors.tables import TableName
from nomaflow.errors import StepRefused
from nomaflow.steps.context import StepContext

Params = Mapping[str, Any]
Row = dict[str, Any]
CopyMode = Literal["overwrite", "append", "upsert"]


class Table(NamedTuple):
    """A table behind a connector; `schema` None where the database's default one is meant."""

    connector: str
    name: str
    schema: str | None = None

    def __str__(self) -> str:
        return str(TableName(self.name, self.schema))


def run_query(
    ctx: StepContext, connector: str, sql: str, params: Params | None = None
) -> list[Row]:
    """All rows of a statement, or of a named query, as column → value."""
    return _sql(ctx, connector).execute(sql, params).mappings()


def copy_query_to_table(
    ctx: StepContext,
    connector: str,
    query: str,
    target: Table,
    *,
    mode: CopyMode = "overwrite",
    **more: Any,
) -> Row:
    """Copy the rows of a SELECT that reads `connector`; the copy's output.

    `more` is what `ctx.run_step` and `sql_copy` take beside: `params`, `part`, `key` …
    """
    source = {"connector": connector, "query": query}
    into = {"connector": target.connector, "schema": target.schema, "table": target.name}
    return dict(ctx.run_copy(source=source, target=into, mode=mode, **more))


def snapshot_rows(
    ctx: StepContext,
    connector: str,
    query: str,
    target: Table,
    *,
    on: date,
    column: str = "snapshot_on",
    **more: Any,
) -> Row:
    """Append a SELECT's rows with the day that they stand for, in `column`, and keep other days.

    A day that the target has already stays as it is: the output is then `{"skipped": true}` and
    the day, else the copy's.
    """
    day = on.isoformat()
    if _has_day(_sql(ctx, target.connector), target, column, day):
        return {"skipped": True, column: day}
    columns = {column: {"constant": day, "type": "date"}}
    part = f"{target} on {day}"
    return copy_query_to_table(
        ctx, connector, query, target, mode="append", columns=columns, part=part, **more
    )


def delete_rows(ctx: StepContext, table: Table, where: str, params: Params | None = None) -> int:
    """Delete the rows for which the condition holds; how many they were."""
    if not where.strip():
        raise StepRefused(f"delete_rows on '{table}' got no condition: truncate_table empties it.")
    sql = _sql(ctx, table.connector)
    return sql.execute(f"DELETE FROM {_quoted(sql, table)} WHERE {where}", params).rowcount  # noqa: S608  # names are quoted, the condition is the caller's


def truncate_table(ctx: StepContext, table: Table) -> None:
    """Delete every row, the fastest way that the database has."""
    sql = _sql(ctx, table.connector)
    sql.execute(sql.dialect.emptying(_quoted(sql, table)))


def _sql(ctx: StepContext, name: str) -> SqlConnector:
    """The connector itself: a context of an `async def` function gives its facade."""
    connector = StepContext.get_connector(ctx, name)
    if not isinstance(connector, SqlConnector):
        raise StepRefused(f"Connector '{name}' is no SQL connector.")
    return connector


def _has_day(sql: SqlConnector, table: Table, column: str, day: str) -> bool:
    from sqlalchemy import inspect

    with sql.failures():
        if not inspect(sql.engine).has_table(table.name, schema=table.schema):
            return False
    quoted = sql.engine.dialect.identifier_preparer.quote_identifier(column)
    rows = f"SELECT 1 FROM {_quoted(sql, table)} WHERE {quoted} = :day LIMIT 1"  # noqa: S608  # names are quoted
    return sql.scalar(rows, {"day": day}) is not None


def _quoted(sql: SqlConnector, table: Table) -> str:
    quote = sql.engine.dialect.identifier_preparer.quote_identifier
    return ".".join(quote(name) for name in (table.schema, table.name) if name)
