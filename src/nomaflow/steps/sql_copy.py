"""The step type `sql_copy`: a table, or a query's rows, into a table of another database."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self, cast

from pydantic import Field, model_validator

from nomaflow.clock import SystemClock
from nomaflow.connectors.coercions import Constant
from nomaflow.connectors.sql import SqlConnector
from nomaflow.connectors.statement import Statement, parse
from nomaflow.connectors.tables import TableName
from nomaflow.copying.copy import copy
from nomaflow.copying.dictionary import Dictionary, from_csv, from_table
from nomaflow.copying.guard import LET_THROUGH, Guard
from nomaflow.copying.incremental import MARK, READ_ALL, Incremental
from nomaflow.copying.order import Order, Selection, Verify, Watch
from nomaflow.copying.plan import Drift, Mode, Request
from nomaflow.copying.preflight import preflight
from nomaflow.copying.receipt import ReceiptKey
from nomaflow.copying.shape import ColumnWish, Jde, Wishes
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
    table: Annotated[Name, Field(description="The table; made when it does not exist.")]


class CopyColumn(Definition):
    """What becomes of one column of the source; or a new one, when it has a `constant`."""

    rename: Annotated[Name | None, Field(description="Its name at the target.")] = None
    drop: Annotated[bool, Field(description="It is not copied.")] = False
    type: Annotated[
        Name | None,
        Field(description="Its type at the target, in the words of that database."),
    ] = None
    scale: Annotated[
        int | None,
        Field(ge=0, le=38, description="So many last digits are decimals: 2 makes 1234 12.34."),
    ] = None
    julian: Annotated[
        bool | None,
        Field(description="Whether its numbers are Julian dates, CYYDDD; 0 becomes NULL."),
    ] = None
    constant: Annotated[
        Constant | None, Field(description="The same value in every row, instead of the source's.")
    ] = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        told = self.model_fields_set - {"drop"} if not self.drop else self.model_fields_set
        if not told:
            raise ValueError("expected one of rename, drop, type, scale, julian, constant")
        if self.drop and len(told) > 1:
            raise ValueError("expected nothing beside drop = true")
        of_number = {"scale", "julian"} & told
        if len(of_number) > 1 and self.julian:
            raise ValueError("expected either scale or julian")
        if of_number and "constant" in told:
            raise ValueError(f"expected no {of_number.pop()} beside constant")
        if isinstance(self.constant, str) and "\0" in self.constant:
            raise ValueError("expected a constant without NUL characters")
        return self


class CopyIncremental(Definition):
    """The rows behind the greatest value that was seen so far, the mark, kept with the target."""

    column: Annotated[
        Name,
        Field(description="A column of the source that grows: a number, an instant of change."),
    ]


class SqlCopySpec(StepSpec):
    """Fields of a `sql_copy` step."""

    source: Annotated[CopySource, Field(description="Where the rows come from.")]
    target: Annotated[CopyTarget, Field(description="The table that they go into.")]
    mode: Annotated[
        Mode,
        Field(
            description="overwrite: the target holds exactly the source's rows afterwards; "
            "append: they are added, all or none, once per run; "
            "upsert: new ones are added, existing ones updated by key."
        ),
    ] = "overwrite"
    batch_size: Annotated[int, Field(ge=1, le=1_000_000, description="Rows in a batch.")] = 10_000
    partitions: Annotated[
        int,
        Field(
            ge=1, le=16, description="Readers and writers side by side, where the lane is `raw`."
        ),
    ] = 1
    lane: Annotated[
        Literal["auto", "rows"],
        Field(description="auto: the fastest on which every value arrives; rows: one by one."),
    ] = "auto"
    where: Annotated[
        Name | None,
        Field(description="Only rows for which this SQL condition holds, with :name parameters."),
    ] = None
    key: Annotated[
        tuple[Name, ...],
        Field(description="Columns of a unique index, for an upsert without a primary key."),
    ] = ()
    columns: Annotated[
        Mapping[Name, CopyColumn],
        Field(description="What becomes of single columns, by their names in the source."),
    ] = Field(default_factory=dict)
    strip_both_columns: Annotated[
        tuple[Name, ...], Field(description="Text columns that lose white space at both ends.")
    ] = ()
    type_coercion: Annotated[
        Literal["none", "jde"],
        Field(
            description="jde: JD Edwards' rules. Decimals and Julian dates as the source "
            "connector's jde_dictionary says, texts without blanks at their ends and NUL "
            "characters, names in lower case."
        ),
    ] = "none"
    decimal_mode: Annotated[
        Literal["preserve", "truncate"],
        Field(description="With jde: truncate drops the decimals, toward zero."),
    ] = "preserve"
    incremental: Annotated[
        CopyIncremental | None,
        Field(description="Only rows that are new since the last time; for append and upsert."),
    ] = None
    min_rows: Annotated[
        int | None,
        Field(ge=0, description="With fewer rows from the source, the target is left as it is."),
    ] = None
    max_shrink_percent: Annotated[
        float | None,
        Field(
            ge=0,
            le=100,
            description="If an overwrite would take away a greater share of the target's rows, "
            "it is left as it is.",
        ),
    ] = None
    on_drift: Annotated[
        Drift,
        Field(
            description="Columns of the source that an existing target does not have: fail, add "
            "them there, or ignore them."
        ),
    ] = "fail"
    keep_previous: Annotated[
        int,
        Field(
            ge=0,
            le=100,
            description="So many versions that overwrites replaced stay beside the target, for "
            "`nomaflow undo`.",
        ),
    ] = 0
    verify: Annotated[
        Verify,
        Field(
            description="count: rows read, written and stored must be as many; checksum: their "
            "values must be the same, too, for which both sides are read once more."
        ),
    ] = "count"

    @model_validator(mode="after")
    def _where_is_for_tables(self) -> Self:
        if self.where is not None and self.source.query is not None:
            raise ValueError("expected no where beside source.query: write it into the query")
        return self

    @model_validator(mode="after")
    def _options_fit_the_mode(self) -> Self:
        if self.incremental is not None and self.mode == "overwrite":
            raise ValueError('expected mode = "append" or "upsert" beside incremental')
        if self.max_shrink_percent is not None and self.mode != "overwrite":
            raise ValueError('expected mode = "overwrite" beside max_shrink_percent')
        if self.keep_previous and self.mode != "overwrite":
            raise ValueError('expected mode = "overwrite" beside keep_previous')
        return self

    @model_validator(mode="after")
    def _truncating_is_for_jde(self) -> Self:
        if self.decimal_mode == "truncate" and self.type_coercion == "none":
            raise ValueError('expected type_coercion = "jde" beside decimal_mode = "truncate"')
        return self

    @model_validator(mode="after")
    def _names_are_different(self) -> Self:
        names = [column.rename for column in self.columns.values() if column.rename]
        if twins := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"expected different names in columns: {', '.join(twins)} is twice")
        return self


class SqlCopyStep:
    """Copies a whole table between two databases; the target never shows a part of it.

    `where` and `source.query` take no tokens: `:name` binds a merged parameter. The log has a line
    for each batch, `▶ batch 12 of 47 · 120 000 rows`, and one for the moment of the swap.

    Output: `{"source_rows", "target_rows", "elapsed_ms"}`, and how it was done: `mode`, `lane`,
    `lanes_passed_over`, `way`, `way_reason`, `bytes`, `rows_per_second`, `swap_ms`, `inserted`,
    `updated`, `deleted`; what became of columns: `coercions`, `left_alone`, `added_columns`,
    `ignored_columns`; and, where asked for, `incremental` and `checksum`.

    Errors: `StepRefused` before a row moves: a table that is not there, a copy onto itself, types
    that do not become each other, an upsert without a key. `Unreachable` when a database does not
    answer. `StepFailed` when a value does not fit, with its column and row, or when `min_rows`,
    `max_shrink_percent` or `verify` hold the result. Whatever it is, the target is as it was.

    Example:
    [[jobs]]
    id = "orders-to-reporting"
    schedule = "0 2 * * *"
    params = { region = "EU" }

    [[jobs.steps]]
    name = "orders"
    type = "sql_copy"
    source = { connector = "erp", table = "orders" }
    target = { connector = "reporting", table = "orders" }
    where = "region = :region"
    columns = { note = { drop = true }, amount = { rename = "amount_cents" } }
    max_shrink_percent = 30
    """

    name: ClassVar[str] = "sql_copy"
    title: ClassVar[str] = "Table copy"
    host: ClassVar[HostKind] = "process"
    params_field: ClassVar[str | None] = None
    literal_fields: ClassVar[frozenset[str]] = frozenset({"where", "source.query"})
    has_dry_run: ClassVar[bool] = True
    Spec = SqlCopySpec

    def run(self, spec: SqlCopySpec, ctx: StepContext) -> Output:
        watch = Watch(ctx.log.info, ctx.progress, ctx.is_cancelled, SystemClock())
        order = Order(
            selection=_selection(spec, ctx),
            request=Request(
                spec.mode,
                TableName(spec.target.table, spec.target.schema_),
                spec.key,
                spec.on_drift,
            ),
            wishes=_wishes(spec, ctx),
            guard=_guard(spec, ctx),
            verify=spec.verify,
            incremental=_incremental(spec, ctx),
            batch_size=spec.batch_size,
            partitions=spec.partitions,
            shorten=spec.lane == "auto",
            keep=spec.keep_previous,
            receipt=ReceiptKey(ctx.idempotency_key, ctx.facts.started_at),
        )
        source, target = _side(spec.source.connector, ctx), _side(spec.target.connector, ctx)
        if ctx.facts.dry_run:
            return preflight(order, source, target)
        return copy(order, source, target, watch)


def _selection(spec: SqlCopySpec, ctx: StepContext) -> Selection:
    """The table or query, and the values of the parameters that it names."""
    source = spec.source
    where = parse(spec.where) if spec.where else None
    origin = parse(source.query) if source.query else TableName(source.table or "", source.schema_)
    statement = origin if isinstance(origin, Statement) else where
    known = {**ctx.params, "session_user": ctx.session_user, "run_id": ctx.run_id}
    return Selection(origin, where, statement.bound(known) if statement else {})


def _guard(spec: SqlCopySpec, ctx: StepContext) -> Guard:
    """The least that the source must bring; nothing, in a run that lets it through."""
    if not ctx.params.get(LET_THROUGH):
        return Guard(ctx.step_name, spec.min_rows, spec.max_shrink_percent)
    ctx.log.warning("%s: however few rows come, they are taken this time", LET_THROUGH)
    return Guard(ctx.step_name)


def _incremental(spec: SqlCopySpec, ctx: StepContext) -> Incremental | None:
    if spec.incremental is None:
        return None
    start = ctx.params.get(MARK)
    return Incremental(
        column=spec.incremental.column,
        job=ctx.job_id,
        step=ctx.step_name,
        read_all=bool(ctx.params.get(READ_ALL)),
        start=None if start is None else str(start),
    )


def _wishes(spec: SqlCopySpec, ctx: StepContext) -> Wishes:
    """What the step says about columns, with the data dictionary read if it takes one."""
    columns = {name: ColumnWish(**dict(column)) for name, column in spec.columns.items()}
    jde = None
    if spec.type_coercion == "jde":
        jde = Jde(_dictionary(spec.source.connector, ctx), spec.decimal_mode == "truncate")
    return Wishes(columns, spec.strip_both_columns, jde)


def _dictionary(name: str, ctx: StepContext) -> Dictionary:
    connector = cast("SqlConnector", ctx.get_connector(name))
    place = connector.jde_dictionary
    if place is None:
        ctx.log.warning(
            "connector '%s' has no jde_dictionary: numbers are copied as they are stored", name
        )
        return Dictionary({})
    if place.csv is not None:
        return from_csv(place)
    return from_table(place, _side(place.connector or name, ctx))


def _side(name: str, ctx: StepContext) -> Side:
    connector = cast("SqlConnector", ctx.get_connector(name))
    return Side(name, connector.dialect, connector.pool, ctx.on_cancel, ctx.is_cancelled)


STEP = SqlCopyStep()
