"""The step type `sql_copy`: a table, or a query's rows, into a table of another database."""

from typing import Annotated, ClassVar, Literal, Self, cast

from pydantic import Field, model_validator

from nomaflow.clock import SystemClock
from nomaflow.connectors.sql import SqlConnector
from nomaflow.connectors.statement import Statement, parse
from nomaflow.connectors.tables import TableName
from nomaflow.copying.copy import Order, Selection, Watch, copy
from nomaflow.copying.plan import Mode, Request
from nomaflow.copying.receipt import ReceiptKey
from nomaflow.copying.shape import Wishes
from nomaflow.copying.side import Side
from nomaflow.domain.definition import Definition
from nomaflow.steps.base import HostKind, Output, StepSpec
from nomaflow.steps.context import StepContext

Connector = Annotated[
    str,
    Field(description="A SQL connector.", json_schema_extra={"x-connector": "sql"}),
]
Schema = Annotated[
    str | None,
    Field(description="Absent: the database's default one, or it has none."),
]
Name = Annotated[str, Field(min_length=1)]


class CopySource(Definition):
    """Where the rows come from: `table`, or the SELECT in `query`."""

    connector: Connector
    schema_: Annotated[Schema, Field(alias="schema")] = None
    table: Annotated[Name | None, Field(description="A table or view.")] = None
    query: Annotated[
        Name | None,
        Field(description="A SELECT instead of a table, with :name for parameters."),
    ] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("expected either table or query")
        if self.query is not None and self.schema_ is not None:
            raise ValueError("expected no schema beside query: write it into the query")
        return self


class CopyTarget(Definition):
    """Where they go; the table is made when it does not exist."""

    connector: Connector
    schema_: Annotated[Schema, Field(alias="schema")] = None
    table: Name


class SqlCopySpec(StepSpec):
    """Fields of a `sql_copy` step."""

    source: CopySource
    target: CopyTarget
    mode: Annotated[
        Mode,
        Field(
            description="overwrite: the target holds exactly the source's rows afterwards; "
            "append: they are added, all or none, once per run; "
            "upsert: new ones are added, existing ones updated by key."
        ),
    ] = "overwrite"
    batch_size: Annotated[int, Field(ge=1, le=1_000_000, description="Rows in a batch.")] = 10_000
    where: Annotated[
        Name | None,
        Field(description="Only rows for which this SQL condition holds, with :name parameters."),
    ] = None
    key: Annotated[
        tuple[Name, ...],
        Field(description="Columns of a unique index, for an upsert without a primary key."),
    ] = ()
    strip_both_columns: Annotated[
        tuple[Name, ...], Field(description="Text columns that lose blanks at both ends.")
    ] = ()
    verify: Annotated[
        Literal["count"], Field(description="Rows read, written and stored must be as many.")
    ] = "count"

    @model_validator(mode="after")
    def _where_is_for_tables(self) -> Self:
        if self.where is not None and self.source.query is not None:
            raise ValueError("expected no where beside source.query: write it into the query")
        return self


class SqlCopyStep:
    """Copies a whole table between two databases; the target never shows a part of it.

    Output: `{"source_rows", "target_rows", "elapsed_ms"}`, and how it was done: `mode`, `lane`,
    `bytes`, `rows_per_second`, `swap_ms`, `inserted`, `updated`, `deleted`.
    """

    name: ClassVar[str] = "sql_copy"
    title: ClassVar[str] = "Table copy"
    host: ClassVar[HostKind] = "process"
    params_field: ClassVar[str | None] = None
    literal_fields: ClassVar[frozenset[str]] = frozenset({"where", "source.query"})
    Spec = SqlCopySpec

    def run(self, spec: SqlCopySpec, ctx: StepContext) -> Output:
        watch = Watch(ctx.log.info, ctx.progress, ctx.is_cancelled, SystemClock())
        order = Order(
            selection=_selection(spec, ctx),
            request=Request(
                spec.mode,
                TableName(spec.target.table, spec.target.schema_),
                spec.key,
            ),
            wishes=Wishes(stripped=spec.strip_both_columns),
            batch_size=spec.batch_size,
            receipt=ReceiptKey(ctx.idempotency_key, ctx.facts.started_at),
        )
        return copy(
            order, _side(spec.source.connector, ctx), _side(spec.target.connector, ctx), watch
        )


def _selection(spec: SqlCopySpec, ctx: StepContext) -> Selection:
    """The table or query, and the values of the parameters that it names."""
    source = spec.source
    where = parse(spec.where) if spec.where else None
    origin = parse(source.query) if source.query else TableName(source.table or "", source.schema_)
    statement = origin if isinstance(origin, Statement) else where
    known = {**ctx.params, "session_user": ctx.session_user, "run_id": ctx.run_id}
    return Selection(origin, where, statement.bound(known) if statement else {})


def _side(name: str, ctx: StepContext) -> Side:
    connector = cast("SqlConnector", ctx.get_connector(name))
    return Side(name, connector.dialect, connector.pool, ctx.on_cancel, ctx.is_cancelled)


STEP = SqlCopyStep()
