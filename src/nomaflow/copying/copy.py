"""A table copy, told from beginning to end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, Final

from nomaflow.clock import Clock
from nomaflow.connectors.copies import (
    Choice,
    Load,
    Moved,
    Source,
    SourceFailed,
    Target,
    Transfer,
    Unsuited,
    Way,
)
from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import Column, ColumnType, Kind, Query, Rows, Table, TableName
from nomaflow.copying import swap
from nomaflow.copying.bad_row import BadRowSearch
from nomaflow.copying.lanes import Lane, lane, refuse_nulls
from nomaflow.copying.plan import Plan, Request, Sides, plan
from nomaflow.copying.progress import Progress, grouped
from nomaflow.copying.receipt import ReceiptKey, Receipts
from nomaflow.copying.shape import Shape, Wishes, shape
from nomaflow.copying.side import Side
from nomaflow.copying.stash import Stash
from nomaflow.copying.stream import batches, move, read_ahead
from nomaflow.copying.swap import Outcome, Swap
from nomaflow.errors import StepCanceled, StepFailed, StepRefused

_COUNT_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Selection:
    """What is read: a table, perhaps only rows `where`, or a query; and the values they bind."""

    origin: TableName | Statement
    where: Statement | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Order:
    """One copy to be made; `receipt` is written if it is an append.

    `partitions`: how many readers, where the source can be read side by side. `shorten`: a faster
    lane than rows one by one may be taken.
    """

    selection: Selection
    request: Request
    batch_size: int
    receipt: ReceiptKey
    wishes: Wishes = field(default_factory=Wishes)
    partitions: int = 1
    shorten: bool = True


@dataclass(frozen=True)
class Watch:
    """How a copy talks to its run: lines for the log, rows done of how many, whether to stop."""

    tell: Callable[[str], None]
    report: Callable[[int, int | None], None]
    is_cancelled: Callable[[], bool]
    clock: Clock

    def stop_if_asked(self) -> None:
        if self.is_cancelled():
            raise StepCanceled("The copy was stopped. The target is unchanged.")


def copy(order: Order, reading: Side, writing: Side, watch: Watch) -> dict[str, Any]:
    """Make the copy and return the step's output.

    Raises StepRefused before a row moves, StepFailed or StepCanceled with the target unchanged.
    """
    began = watch.clock.steady()
    try:
        result = _copied(order, reading, writing, watch)
    except Unsuited as unsuited:
        watch.stop_if_asked()
        watch.tell(f"once more, row by row: {unsuited}")
        result = _copied(replace(order, shorten=False), reading, writing, watch)
        result["lanes_passed_over"] = [str(unsuited)]
    elapsed = watch.clock.steady() - began
    rate = round(result["source_rows"] / elapsed) if elapsed else 0
    return {**result, "elapsed_ms": round(elapsed * 1000), "rows_per_second": rate}


def _copied(order: Order, reading: Side, writing: Side, watch: Watch) -> dict[str, Any]:
    """Make the copy on connections that are opened for it. Raises Unsuited if it is shortened."""
    with reading.connection() as ours, writing.connection() as theirs:
        source = reading.dialect.source(ours)
        target = writing.dialect.target(theirs)
        interrupt = partial(reading.dialect.cancel, ours)
        try:
            return _Copying(order, reading, source, interrupt, writing, target, watch).run()
        finally:
            target.discard()


@dataclass(frozen=True)
class _Copying:
    """A copy with both ends open; `interrupt` stops what the source's connection runs."""

    order: Order
    reading: Side
    source: Source
    interrupt: Callable[[], None]
    writing: Side
    target: Target
    watch: Watch

    def run(self) -> dict[str, Any]:
        with self.reading.errors():
            self.source.begin()
        with self.writing.errors():
            place = self.target.home(self.order.request.target)
            self.target.begin(place)
            decide = partial(self._decide, place, self.target.table(place), self._sides())
            decided, transfer = decide()
            done = self._already_appended(decided)
        if done is not None:
            outcome = Outcome({"inserted": done}, Choice(Way.INSERT, "an earlier attempt"), 0.0)
            return self._output(decided, Lane("none", None), Moved(done, done, 0), outcome)
        search = BadRowSearch(self.source, partial(decide, in_select=False))
        return self._load_and_swap(decided, transfer, search)

    def _sides(self) -> Sides:
        """Both databases' types; the target is asked once about each."""
        known, declared = cache(self.target.known), cache(self.target.declared)
        return Sides(self.source.types, self.target.types, known, declared)

    def _decide(
        self, place: TableName, table: Table | None, sides: Sides, *, in_select: bool = True
    ) -> tuple[Plan, Transfer]:
        """The plan, and the SELECT that reads its columns."""
        with self.reading.errors():
            found, written = self._found()
            shaped = shape(found, self.order.wishes, self.source.types, in_select=in_select)
            query = self._select(found, written, [column.read for column in shaped.columns])
        sides = replace(sides, observed=self._observed(shaped, query, table, sides))
        decided = plan(replace(self.order.request, target=place), shaped, table, sides)
        if len(decided.columns) < len(shaped.columns):
            query = self._select(found, written, decided.source_columns)
        return decided, self._transfer(decided, found, written, query)

    def _transfer(
        self, decided: Plan, found: Table, written: Query | None, query: Query
    ) -> Transfer:
        selection, columns = self.order.selection, decided.source_columns
        parts: Sequence[Query] = [query]
        if written is None and self.order.partitions > 1:
            where, number = (selection.where, selection.values), self.order.partitions
            parts = self.source.parts(found, columns, *where, number)
        return Transfer(
            query=query,
            parts=parts,
            table=found.name if written is None and selection.where is None else None,
            sources=columns,
            targets=[column.target for column in decided.columns],
            verbatim=decided.verbatim,
        )

    def _found(self) -> tuple[Table, Query | None]:
        """The facts of what is read, and the query if it is the step's own."""
        selection = self.order.selection
        if isinstance(selection.origin, Statement):
            return self.source.query(selection.origin, selection.values)
        table = self.source.table(selection.origin)
        if table is None:
            raise StepRefused(
                f"Connector '{self.reading.name}' has no table '{selection.origin}'. "
                "Check source.table and source.schema."
            )
        return table, None

    def _select(self, table: Table, written: Query | None, columns: Sequence[Column]) -> Query:
        selection = self.order.selection
        if written is None:
            return self.source.select(table, columns, selection.where, selection.values)
        return self.source.project(written, columns) if columns != table.columns else written

    def _observed(
        self, shaped: Shape, query: Query, table: Table | None, sides: Sides
    ) -> dict[str, ColumnType]:
        """What untyped columns hold, if a table for them is to be made elsewhere."""
        untyped = [
            column.read.name
            for column in shaped.columns
            if column.read.type.kind is Kind.ANY and not column.functions
        ]
        if not untyped or table is not None or sides.same_dialect:
            return {}
        with self.reading.errors():
            return self.source.observed(query, untyped)

    def _already_appended(self, decided: Plan) -> int | None:
        if decided.mode != "append":
            return None
        rows = self._receipts(decided).rows_of(self.order.receipt)
        if rows is not None:
            self.watch.tell(f"{grouped(rows)} rows were appended by an earlier attempt")
        return rows

    def _load_and_swap(
        self, decided: Plan, transfer: Transfer, search: BadRowSearch
    ) -> dict[str, Any]:
        with self.writing.errors():
            ways = swap.ways(decided, self.target)
            columns = [column.target for column in decided.columns]
            name = self.target.create_stash(columns, decided.table, ways[0].way)
            chosen, moved = self._load(decided, transfer, search)
            if chosen.load is not None:
                refuse_nulls(transfer, name, self.target)
        with self.reading.errors():
            self.source.end()
        with self.writing.errors():
            stash = Stash(name, self.target, moved.read)
            stash.verify(moved)
            outcome = self._swap(decided, stash).run(ways)
        counts = ", ".join(f"{grouped(count)} {what}" for what, count in outcome.changes.items())
        self.watch.tell(f"swapped in {round(outcome.seconds * 1000)} ms: {counts}")
        return self._output(decided, chosen, moved, outcome)

    def _swap(self, decided: Plan, stash: Stash) -> Swap:
        watch = self.watch
        also = partial(self._note, decided, stash)
        return Swap(decided, stash, self.target, watch.tell, watch.stop_if_asked, watch.clock, also)

    def _note(self, decided: Plan, stash: Stash) -> None:
        """An append leaves a receipt."""
        if decided.mode == "append":
            self._receipts(decided).write(self.order.receipt, decided.table.name, stash.rows)

    def _load(self, decided: Plan, transfer: Transfer, search: BadRowSearch) -> tuple[Lane, Moved]:
        with self.reading.errors():
            total = self.source.count(transfer.query, _COUNT_SECONDS)
            shortcuts = self.target.shortcuts(self.source) if self.order.shorten else ()
            chosen = lane(decided, replace(transfer, rows=total), shortcuts)
        self.watch.stop_if_asked()
        progress = Progress(self.watch.tell, self.watch.report, self.order.batch_size, total)
        if chosen.load is not None:
            return chosen, self._load_at_once(chosen.load, progress)
        chunks = self._chunks(decided, transfer.query, search)
        read = batches(chunks, decided.source_columns, self.order.batch_size)
        arriving = read_ahead(read, self.interrupt)
        return chosen, move(decided, arriving, self.target, progress)

    def _load_at_once(self, load: Load, progress: Progress) -> Moved:
        try:
            moved = load(progress.add, self.reading.on_cancel)
        except SourceFailed as failed:
            with self.reading.errors():
                raise failed.error from failed
        progress.finish()
        return moved

    def _chunks(self, decided: Plan, query: Query, search: BadRowSearch) -> Iterator[Rows]:
        columns = decided.source_columns
        try:
            with self.reading.errors():
                for rows in self.source.rows(query, columns, verbatim=decided.verbatim):
                    self.watch.stop_if_asked()
                    yield rows
        except StepFailed as failed:
            raise (search.better(failed) if decided.coercions else failed) from failed.__cause__

    def _receipts(self, decided: Plan) -> Receipts:
        return Receipts(self.target, decided.table.name.schema)

    def _output(
        self, decided: Plan, chosen: Lane, moved: Moved, outcome: Outcome
    ) -> dict[str, Any]:
        return {
            "source_rows": moved.read,
            "target_rows": moved.written,
            "mode": decided.mode,
            "lane": chosen.name,
            "lanes_passed_over": list(chosen.passed_over),
            "bytes": moved.size,
            "way": outcome.choice.way.value,
            "way_reason": outcome.choice.reason,
            "swap_ms": round(outcome.seconds * 1000),
            "coercions": decided.coercions,
            "left_alone": decided.left_alone,
            **outcome.changes,
        }
