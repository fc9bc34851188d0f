"""A table copy, told from beginning to end."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, Final

from nomaflow.clock import Clock
from nomaflow.connectors.copies import Source, TableLocked, Target
from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import Column, ColumnType, Kind, Query, Rows, Table, TableName
from nomaflow.copying import swap
from nomaflow.copying.bad_row import BadRowSearch
from nomaflow.copying.plan import Plan, Request, Sides, plan
from nomaflow.copying.progress import Progress, grouped
from nomaflow.copying.receipt import ReceiptKey, Receipts
from nomaflow.copying.shape import Shape, Wishes, shape
from nomaflow.copying.side import Side
from nomaflow.copying.stash import Stash
from nomaflow.copying.stream import Moved, batches, move, read_ahead
from nomaflow.errors import StepCanceled, StepFailed, StepRefused

_COUNT_SECONDS: Final = 10.0
_LOCK_PAUSE_SECONDS: Final = 0.3
_BEFORE: Final = "nomaflow_before"


@dataclass(frozen=True)
class Selection:
    """What is read: a table, perhaps only rows `where`, or a query; and the values they bind."""

    origin: TableName | Statement
    where: Statement | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Order:
    """One copy to be made; `receipt` is written if it is an append."""

    selection: Selection
    request: Request
    batch_size: int
    receipt: ReceiptKey
    wishes: Wishes = field(default_factory=Wishes)


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
    with reading.connection() as ours, writing.connection() as theirs:
        source = reading.dialect.source(ours)
        target = writing.dialect.target(theirs)
        interrupt = partial(reading.dialect.cancel, ours)
        result = _Copying(order, reading, source, interrupt, writing, target, watch).run()
    elapsed = watch.clock.steady() - began
    rate = round(result["source_rows"] / elapsed) if elapsed else 0
    return {**result, "elapsed_ms": round(elapsed * 1000), "rows_per_second": rate}


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
            table = self.target.table(place)
            sides = self._sides()
            decided, query = self._decide(table, sides)
            done = self._already_appended(decided)
        if done is not None:
            return self._output(decided, Moved(done, done, 0), {"inserted": done}, 0.0)
        search = BadRowSearch(self.source, lambda: self._decide(table, sides, in_select=False))
        return self._load_and_apply(decided, query, search)

    def _sides(self) -> Sides:
        """Both databases' types; the target is asked once about each."""
        known, declared = cache(self.target.known), cache(self.target.declared)
        return Sides(self.source.types, self.target.types, known, declared)

    def _decide(
        self, table: Table | None, sides: Sides, *, in_select: bool = True
    ) -> tuple[Plan, Query]:
        """The plan, and the SELECT that reads its columns."""
        with self.reading.errors():
            found, written = self._found()
            shaped = shape(found, self.order.wishes, self.source.types, in_select=in_select)
            query = self._select(found, written, [column.read for column in shaped.columns])
        sides = replace(sides, observed=self._observed(shaped, query, table, sides))
        decided = plan(self.order.request, shaped, table, sides)
        if len(decided.columns) < len(shaped.columns):
            query = self._select(found, written, decided.source_columns)
        return decided, query

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

    def _load_and_apply(self, decided: Plan, query: Query, search: BadRowSearch) -> dict[str, Any]:
        with self.writing.errors():
            successor = decided.table.name if decided.creates else None
            name = self.target.create_stash(
                [column.target for column in decided.columns], successor
            )
            moved = self._load(decided, query, search)
        with self.reading.errors():
            self.source.end()
        with self.writing.errors():
            stash = Stash(name, self.target, moved.read)
            stash.verify(moved)
            self.watch.tell(f"swapping {grouped(stash.rows)} rows into '{decided.table.name}'")
            began = self.watch.clock.steady()
            changes = self._apply(decided, stash)
            swapped = self.watch.clock.steady() - began
        counts = ", ".join(f"{grouped(count)} {what}" for what, count in changes.items())
        self.watch.tell(f"swapped in {round(swapped * 1000)} ms: {counts}")
        return self._output(decided, moved, changes, swapped)

    def _load(self, decided: Plan, query: Query, search: BadRowSearch) -> Moved:
        with self.reading.errors():
            total = self.source.count(query, _COUNT_SECONDS)
        self.watch.stop_if_asked()
        progress = Progress(self.watch.tell, self.watch.report, self.order.batch_size, total)
        chunks = self._chunks(decided, query, search)
        read = batches(chunks, decided.source_columns, self.order.batch_size)
        arriving = read_ahead(read, self.interrupt)
        return move(decided, arriving, self.target, progress)

    def _chunks(self, decided: Plan, query: Query, search: BadRowSearch) -> Iterator[Rows]:
        columns = decided.source_columns
        try:
            with self.reading.errors():
                for rows in self.source.rows(query, columns, verbatim=decided.verbatim):
                    self.watch.stop_if_asked()
                    yield rows
        except StepFailed as failed:
            raise (search.better(failed) if decided.coercions else failed) from failed.__cause__

    def _apply(self, decided: Plan, stash: Stash) -> dict[str, int]:
        for key in decided.unproven:
            stash.refuse_twins(key)
        self._enter(decided)
        self.target.execute(f"SAVEPOINT {_BEFORE}")
        try:
            changes = self._change(decided, stash)
        except Exception as error:
            reason = self.target.violation(error)
            if reason is None:
                raise
            self.target.execute(f"ROLLBACK TO SAVEPOINT {_BEFORE}")
            raise self._violation(decided, stash, reason) from error
        self.target.commit()
        return changes

    def _violation(self, decided: Plan, stash: Stash, reason: str) -> StepFailed:
        """What broke a rule of the target, with the key where it can be known."""
        name = decided.table.name
        written = set(decided.names)
        keys = [key for key in decided.table.keys if written.issuperset(key)]
        twins = [stash.first_known(name, key) for key in keys if decided.mode == "append"]
        known = next(filter(None, twins), None)
        if known is not None:
            reason = f"The target already has a row with {known}"
        return StepFailed(f"{reason}. The target '{name}' is unchanged.")

    def _change(self, decided: Plan, stash: Stash) -> dict[str, int]:
        """Bring the stash's rows into the target, in its open transaction."""
        if decided.creates:
            self.target.become(decided.table)
            changes = {"inserted": stash.rows}
        elif decided.mode == "overwrite":
            changes = swap.overwrite(decided, stash, self.target)
        elif decided.mode == "append":
            changes = {"inserted": swap.insert(decided, stash, self.target)}
        else:
            changes = swap.upsert(decided, stash, self.target, decided.key)
        if decided.mode == "append":
            self._receipts(decided).write(self.order.receipt, decided.table.name, stash.rows)
        return changes

    def _enter(self, decided: Plan) -> None:
        """Wait for the table, in short tries, so that nobody queues up behind us."""
        alone = decided.mode == "overwrite" and not decided.creates
        waiting = False
        while True:
            self.watch.stop_if_asked()
            try:
                return self.target.enter(decided.table.name, alone=alone)
            except TableLocked:
                if not waiting:
                    self.watch.tell(f"waiting for '{decided.table.name}', which others change")
                waiting = True
                threading.Event().wait(_LOCK_PAUSE_SECONDS)

    def _receipts(self, decided: Plan) -> Receipts:
        return Receipts(self.target, decided.table.name.schema)

    def _output(
        self, decided: Plan, moved: Moved, changes: dict[str, int], swapped: float
    ) -> dict[str, Any]:
        return {
            "source_rows": moved.read,
            "target_rows": moved.written,
            "mode": decided.mode,
            "lane": decided.lane,
            "bytes": moved.size,
            "swap_ms": round(swapped * 1000),
            "coercions": decided.coercions,
            "left_alone": decided.left_alone,
            **changes,
        }
