"""The step type `sql_query`: one statement on a connector."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, cast

from pydantic import Field

from nomaflow.connectors.sql import SqlConnector
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

    Rows are counted to the end and dropped. Output: `{"rows_affected": N}`, and `first_row`
    (column → value) when asked for.
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
        ctx.log.debug("%s", spec.query)
        count = connector.count(spec.query, params)
        done = "returned" if count.columns else "affected"
        ctx.log.info("%d rows %s on '%s'", count.rowcount, done, connector.name)
        output: dict[str, Any] = {"rows_affected": count.rowcount}
        if spec.capture_first_row:
            output["first_row"] = _first_row(count.columns, count.first_row)
        return output


def _first_row(columns: tuple[str, ...], row: tuple[Any, ...] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        name: json_safe(value) for name, value in zip(columns[:MOST_COLUMNS], row, strict=False)
    }


def json_safe(value: Any) -> Any:
    """The value as JSON holds it without loss, cut at 4 KB; bytes become hex."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if value - value == 0 else str(value)
        case Decimal():
            return str(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value[: LONGEST_VALUE // 2]).hex()
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return str(value)[:LONGEST_VALUE]


STEP = SqlQueryStep()
