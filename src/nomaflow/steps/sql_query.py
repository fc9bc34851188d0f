"""The step type `sql_query`: one statement on a connector."""

import json
from collections.abc import Mapping
from datetime import date, time
from math import isfinite
from typing import Annotated, Any, ClassVar, Final, cast

from pydantic import Field

from nomaflow.connectors.sql import Count, SqlConnector
from nomaflow.steps.base import HostKind, Output, StepSpec
from nomaflow.steps.context import StepContext

MOST_COLUMNS: Final = 64
LONGEST_VALUE: Final = 4096


class SqlQuerySpec(StepSpec):
    """Fields of a `sql_query` step."""

    connector: Annotated[
        str,
        Field(description="The SQL connector to run on.", json_schema_extra={"x-connector": "sql"}),
    ]
    query: Annotated[
        str,
        Field(
            min_length=1,
            description="One statement, with :name for parameters; or the name of a named query.",
        ),
    ]
    params: Annotated[
        Mapping[str, Any],
        Field(default_factory=dict, description="Parameters, merged over the job's."),
    ]
    capture_first_row: Annotated[
        bool, Field(description="Keep the first row in the output, for later steps.")
    ] = False


class SqlQueryStep:
    """Runs one SQL statement on a connector: a read, a write, DDL or a procedure.

    Rows are counted to the end and dropped. The statement takes no tokens: `:name` binds a merged
    parameter, `:session_user` and `:run_id` are always there. Each statement commits by itself;
    several in one transaction are work for a `python` step. At INFO the log tells how many rows it
    was, at DEBUG the whole statement.

    Output: `{"rows_affected": N}`, the rows that it returned or changed, and with
    `capture_first_row` also `first_row`: column → value, null when there was no row. Of it 64
    columns are kept, of a text 4 KB.

    Errors: `StepRefused` when a `:name` has no value or the query holds more than one statement:
    nothing was sent. `Unreachable` when the database does not answer. Else the driver's own type,
    such as `UniqueViolation` or `OperationalError`, with its message, without statement and
    parameters.

    Example:
    [[jobs]]
    id = "close-old-tickets"
    params = { days = 90 }

    [[jobs.steps]]
    name = "count"
    type = "sql_query"
    connector = "reporting"
    query = "SELECT count(*) AS old FROM tickets WHERE age_in_days > :days"
    capture_first_row = true

    [[jobs.steps]]
    name = "close"
    type = "sql_query"
    connector = "reporting"
    query = "UPDATE tickets SET closed_by = :session_user WHERE age_in_days > :days"
    when = 'steps.count.output.first_row.old > 0'
    """

    name: ClassVar[str] = "sql_query"
    title: ClassVar[str] = "SQL query"
    host: ClassVar[HostKind] = "thread"
    params_field: ClassVar[str | None] = "params"
    literal_fields: ClassVar[frozenset[str]] = frozenset({"query"})
    Spec = SqlQuerySpec

    def run(self, spec: SqlQuerySpec, ctx: StepContext) -> Output:
        connector = cast("SqlConnector", ctx.get_connector(spec.connector))
        params = {**ctx.params, "session_user": ctx.session_user, "run_id": ctx.run_id}
        ctx.log.debug(connector.statement(spec.query).text)
        count = connector.count(spec.query, params)
        ctx.log.info(_said(count, connector.name))
        output: dict[str, Any] = {"rows_affected": count.rowcount}
        if spec.capture_first_row:
            output["first_row"] = _first_row(count.columns, count.first_row)
        return output


def _said(count: Count, connector: str) -> str:
    rows = "1 row" if count.rowcount == 1 else f"{count.rowcount:,} rows"
    return f"{rows} {'returned' if count.columns else 'affected'} on '{connector}'"


def _first_row(columns: tuple[str, ...], row: tuple[Any, ...] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        name: json_safe(value) for name, value in zip(columns[:MOST_COLUMNS], row, strict=False)
    }


def json_safe(value: Any) -> Any:
    """The value as JSON holds it without loss, cut at 4 KB; bytes become hex."""
    if value is None or isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value[: LONGEST_VALUE // 2]).hex()
    if isinstance(value, dict | list):
        text = json.dumps(value, default=str)
        return json.loads(text) if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE]
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)[:LONGEST_VALUE]


STEP = SqlQueryStep()
