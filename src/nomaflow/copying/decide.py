"""Looks at both sides and decides: the plan, and the SELECT that feeds it. Changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from nomaflow.connectors.copies import Source, Target, Transfer
from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import Column, ColumnType, Kind, Query, Table, TableName
from nomaflow.copying.incremental import Marks, Stretch, refuse_unmarked, stretch
from nomaflow.copying.order import Order
from nomaflow.copying.plan import Plan, Sides, plan
from nomaflow.copying.shape import Shape, shape
from nomaflow.copying.side import Side
from nomaflow.errors import StepRefused


@dataclass(frozen=True)
class Decision:
    """What is read and where it goes. `newest` reads the incremental column of the same rows."""

    plan: Plan
    transfer: Transfer
    stretch: Stretch | None = None
    newest: Query | None = None


@dataclass(frozen=True)
class _Origin:
    """What is read, before anything is made of it; `query` if it is the step's own."""

    table: Table
    query: Query | None


class Decider:
    """Asks both databases of one copy; the target is asked once, however often one decides."""

    def __init__(self, order: Order, reading: Side, source: Source, target: Target) -> None:
        self._order = order
        self._reading = reading
        self._source = source
        self._target = target
        known, declared = cache(target.known), cache(target.declared)
        self._sides = Sides(source.types, target.types, known, declared)
        self._kept_mark = cache(self._mark)

    def decide(self, place: TableName, table: Table | None, *, in_select: bool = True) -> Decision:
        """The copy into `place`, where `table` stands; `in_select` False: the SELECT only reads.

        Raises StepRefused when it cannot be right.
        """
        with self._reading.errors():
            origin = self._origin()
            part = self._stretch(origin, place, table)
            shaped = shape(
                origin.table, self._order.wishes, self._source.types, in_select=in_select
            )
            query = self._select(origin, [column.read for column in shaped.columns], part)
            observed = self._observed(shaped, query, table)
        request = replace(self._order.request, target=place)
        decided = plan(request, shaped, table, replace(self._sides, observed=observed))
        if len(decided.columns) < len(shaped.columns):
            query = self._select(origin, decided.source_columns, part)
        newest = self._select(origin, [part.column], part) if part else None
        return Decision(decided, self._transfer(decided, origin, query, part), part, newest)

    def _transfer(
        self, decided: Plan, origin: _Origin, query: Query, part: Stretch | None
    ) -> Transfer:
        selection, columns = self._order.selection, decided.source_columns
        stored = origin.query is None and (part is None or part.condition is None)
        parts: Sequence[Query] = [query]
        if stored and self._order.partitions > 1:
            where, number = (selection.where, selection.values), self._order.partitions
            parts = self._source.parts(origin.table, columns, *where, number)
        return Transfer(
            query=query,
            parts=parts,
            table=origin.table.name if stored and selection.where is None else None,
            sources=columns,
            targets=[column.target for column in decided.columns],
            verbatim=decided.verbatim,
            in_snapshot=part is not None or self._order.verify == "checksum",
            pending=[column.pending for column in decided.columns],
        )

    def _origin(self) -> _Origin:
        selection = self._order.selection
        if isinstance(selection.origin, Statement):
            return _Origin(*self._source.query(selection.origin, selection.values))
        table = self._source.table(selection.origin)
        if table is None:
            raise StepRefused(
                f"Connector '{self._reading.name}' has no table '{selection.origin}'. "
                "Check source.table and source.schema."
            )
        return _Origin(table, None)

    def _stretch(self, origin: _Origin, place: TableName, table: Table | None) -> Stretch | None:
        wanted = self._order.incremental
        if wanted is None:
            return None
        mark = self._kept_mark(place) if table else None
        adds = self._order.request.mode == "append"
        return stretch(wanted, origin.table, mark, self._source.types, again=not adds)

    def _mark(self, place: TableName) -> str | None:
        """The mark kept for the target. Raises StepRefused where an append needs one."""
        wanted = self._order.incremental
        assert wanted is not None  # noqa: S101 - the caller looked
        mark = Marks(self._target, place).of(wanted)
        told = mark or wanted.start or wanted.read_all
        if not told and self._order.request.mode == "append":
            name = self._target.reference(place)
            row = self._target.row(f"SELECT count(*) FROM {name}")  # noqa: S608 - quoted
            refuse_unmarked(wanted, place, row[0] if row else 0)
        return mark

    def _select(self, origin: _Origin, columns: Sequence[Column], part: Stretch | None) -> Query:
        condition = part.condition if part else None
        selection = self._order.selection
        where, values = selection.where, selection.values
        if origin.query is None and condition is None:
            return self._source.select(origin.table, columns, where, values)
        inner = origin.query or self._source.select(
            origin.table, origin.table.columns, where, values
        )
        if condition is None and columns == origin.table.columns:
            return inner
        return self._source.project(inner, columns, condition)

    def _observed(self, shaped: Shape, query: Query, table: Table | None) -> dict[str, ColumnType]:
        """What untyped columns hold, if a table for them is to be made elsewhere."""
        untyped = [
            column.read.name
            for column in shaped.columns
            if column.read.type.kind is Kind.ANY and not column.functions
        ]
        if not untyped or table is not None or self._sides.same_dialect:
            return {}
        return self._source.observed(query, untyped)
