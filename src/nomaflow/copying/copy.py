"""A table copy, told from beginning to end."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from nomaflow.connectors.ahead import read_ahead
from nomaflow.connectors.copies import Load, Moved, Source, SourceFailed, Target, Unsuited, Way
from nomaflow.connectors.tables import Column, Query, Rows, TableName
from nomaflow.copying import checksum, drift, swap
from nomaflow.copying.bad_row import BadRowSearch
from nomaflow.copying.decide import Decider, Decision
from nomaflow.copying.incremental import Marks
from nomaflow.copying.keeping import Keeping, kept_in
from nomaflow.copying.lanes import Lane, lane, refuse_nulls
from nomaflow.copying.order import Order, Watch
from nomaflow.copying.plan import Plan
from nomaflow.copying.progress import Progress, grouped
from nomaflow.copying.receipt import Receipts
from nomaflow.copying.side import Side
from nomaflow.copying.stash import Stash
from nomaflow.copying.stream import batches, move
from nomaflow.copying.swap import Outcome, Swap
from nomaflow.errors import StepFailed

_COUNT_SECONDS: Final = 10.0


def copy(order: Order, reading: Side, writing: Side, watch: Watch) -> dict[str, Any]:
    """Make the copy and return the step's output.

    Raises StepRefused before a row moves, StepFailed or StepCanceled with the target unchanged.
    """
    began = watch.clock.steady()
    added: list[str] = []
    try:
        result = _copied(order, reading, writing, watch, added)
    except Unsuited as unsuited:
        watch.stop_if_asked()
        watch.tell(f"once more, row by row: {unsuited}")
        result = _copied(replace(order, shorten=False), reading, writing, watch, added)
        result["lanes_passed_over"] = [str(unsuited)]
    elapsed = watch.clock.steady() - began
    rate = round(result["source_rows"] / elapsed) if elapsed else 0
    return {**result, "elapsed_ms": round(elapsed * 1000), "rows_per_second": rate}


def _copied(
    order: Order, reading: Side, writing: Side, watch: Watch, added: list[str]
) -> dict[str, Any]:
    """Make the copy on connections that are opened for it. Raises Unsuited if it is shortened.

    `added` gets the names of the columns that the target gets.
    """
    with reading.connection() as ours, writing.connection() as theirs:
        target = writing.dialect.target(theirs)
        copying = _Copying(
            order=order,
            reading=reading,
            source=reading.dialect.source(ours),
            interrupt=partial(reading.dialect.cancel, ours),
            writing=writing,
            target=target,
            written=writing.dialect.source(theirs),
            watch=watch,
            added=added,
        )
        try:
            return copying.run()
        finally:
            target.discard()


@dataclass(frozen=True)
class _Loaded:
    """A filled stash, and what is known of the rows in it; `mark` is their high-water mark."""

    stash: Stash
    lane: Lane
    moved: Moved
    checksum: str | None
    mark: str | None


@dataclass(frozen=True, kw_only=True)
class _Copying:
    """A copy with both ends open.

    `interrupt` stops what the source's connection runs; `written` reads on the target's. `added`
    names the target's new columns, also those of an earlier try.
    """

    order: Order
    reading: Side
    source: Source
    interrupt: Callable[[], None]
    writing: Side
    target: Target
    written: Source
    watch: Watch
    added: list[str]

    def run(self) -> dict[str, Any]:
        with self.reading.errors():
            self.source.begin()
        with self.writing.errors():
            place = self.target.home(self.order.request.target)
            self.target.begin(place)
            decider = Decider(self.order, self.reading, self.source, self.target)
            table = self.target.table(place)
            decide = partial(decider.decide, place, table)
            done = None if table is None else self._already_appended(place)
            if done is not None:
                return self._output_of_earlier(done)
            decision = decide()
            self._keeping.refuse_changed(place)
            drift.tell(decision.plan, self.watch)
            if decision.plan.added:
                drift.add_columns(decision.plan, self.target, self.watch)
                self.added.extend(column.name for column in decision.plan.added)
        search = BadRowSearch(self.source, partial(decide, in_select=False))
        return self._load_and_swap(decision, search)

    def _already_appended(self, place: TableName) -> int | None:
        """A receipt counts only together with its table, which may come into being after it."""
        if self.order.request.mode != "append":
            return None
        rows = Receipts(self.target, place.schema).rows_of(self.order.receipt)
        if rows is not None:
            self.watch.tell(f"{grouped(rows)} rows were appended by an earlier attempt")
        return rows

    def _output_of_earlier(self, rows: int) -> dict[str, Any]:
        return {
            "source_rows": rows,
            "target_rows": rows,
            "mode": "append",
            "lane": "none",
            "way": Way.INSERT.value,
            "way_reason": "an earlier attempt",
            "swap_ms": 0,
            "inserted": rows,
        }

    def _load_and_swap(self, decision: Decision, search: BadRowSearch) -> dict[str, Any]:
        decided = decision.plan
        with self.writing.errors():
            ways = swap.ways(decided, self.target)
            columns = [column.target for column in decided.columns]
            name = self.target.create_stash(columns, decided.table, ways[0].way)
            chosen, moved = self._load(decision, search)
            if chosen.load is not None:
                refuse_nulls(decision.transfer, name, self.target)
            self._tell_blanked(decided, moved)
            stash = Stash(name, self.target, moved.read)
            stash.verify(moved)
            self._hold_if_small(decided, moved.read)
            found = self._checksum(decision, stash)
            loaded = _Loaded(stash, chosen, moved, found, self._mark(decision))
        with self.reading.errors():
            self.source.end()
        with self.writing.errors():
            kept = self._keeping.name(decided)
            outcome = self._swap(decided, loaded, kept).run(ways)
            self._keeping.prune(decided)
        counts = ", ".join(f"{grouped(count)} {what}" for what, count in outcome.changes.items())
        self.watch.tell(f"swapped in {round(outcome.seconds * 1000)} ms: {counts}")
        output = self._output(decision, loaded, outcome)
        return (
            output
            if kept is None
            else {**output, "kept": kept_in(self.writing.name, decided, kept)}
        )

    def _tell_blanked(self, decided: Plan, moved: Moved) -> None:
        """What the target cannot hold, and took as NULL."""
        for column in decided.columns:
            if count := moved.blanked.get(column.target.name):
                name = column.target.name
                self.watch.tell(f"column '{name}': {column.blank} became NULL {grouped(count)} ×")

    def _hold_if_small(self, decided: Plan, rows: int) -> None:
        """Compare with the rows that an overwrite takes away."""
        if not self.order.guard.is_on:
            return
        before = 0
        if decided.mode == "overwrite" and not decided.creates:
            name = self.target.reference(decided.table.name)
            row = self.target.row(f"SELECT count(*) FROM {name}")  # noqa: S608 - quoted
            before = row[0] if row else 0
        self.order.guard.check(str(decided.table.name), rows, before)

    def _checksum(self, decision: Decision, stash: Stash) -> str | None:
        """Equal on both sides. Raises StepFailed when it is not."""
        if self.order.verify != "checksum":
            return None
        self.watch.tell("reading both sides once more for the checksum")
        with self.reading.errors():
            ours = checksum.of_source(decision.plan, self.source, decision.transfer.query)
        written = [
            Column(column.target.name, column.target.type) for column in decision.plan.columns
        ]
        everything = Query(f"SELECT * FROM {stash.name}")  # noqa: S608 - ours
        stored = self.written.project(everything, written)
        theirs = checksum.of_stash(decision.plan, self.written, stored)
        if ours != theirs:
            raise StepFailed(
                f"The checksum of what arrived is {theirs}, the source's is {ours}. The target "
                f"'{decision.plan.table.name}' is unchanged. Please report this."
            )
        return ours

    def _mark(self, decision: Decision) -> str | None:
        """The greatest value of the incremental column, the old mark if there was no row."""
        if decision.stretch is None or decision.newest is None:
            return None
        with self.reading.errors():
            found = self.source.newest(decision.newest, decision.stretch.column.name)
        return found or decision.stretch.start

    @property
    def _keeping(self) -> Keeping:
        return Keeping(self.order, self.target)

    def _swap(self, decided: Plan, loaded: _Loaded, kept: TableName | None) -> Swap:
        return Swap(
            plan=decided,
            stash=loaded.stash,
            target=self.target,
            watch=self.watch,
            check=partial(self._keeping.refuse_changed, decided.table.name),
            also=partial(self._note, decided, loaded, kept),
            keep=kept,
        )

    def _note(self, decided: Plan, loaded: _Loaded, kept: TableName | None) -> None:
        """An append leaves a receipt, an incremental copy its mark, a kept version its entry."""
        name, key = decided.table.name, self.order.receipt
        if decided.mode == "append":
            Receipts(self.target, name.schema).write(key, name, loaded.stash.rows)
        self._keeping.note(decided, kept, loaded.stash.rows)
        if self.order.incremental is not None and loaded.mark is not None:
            Marks(self.target, name).write(self.order.incremental, loaded.mark, key)

    def _load(self, decision: Decision, search: BadRowSearch) -> tuple[Lane, Moved]:
        decided, transfer = decision.plan, decision.transfer
        with self.reading.errors():
            total = self.source.about(transfer.query)
            if total is None:
                total = self.source.count(transfer.query, _COUNT_SECONDS)
            shortcuts = self.target.shortcuts(self.source) if self.order.shorten else ()
            chosen = lane(replace(transfer, rows=total), shortcuts)
        self.watch.stop_if_asked()
        self.watch.tell(chosen.told)
        progress = Progress(self.watch.tell, self.watch.report, self.order.batch_size, total)
        if chosen.load is not None:
            return chosen, self._load_at_once(chosen.load, progress)
        with closing(self._chunks(decision, search)) as chunks:
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

    def _chunks(self, decision: Decision, search: BadRowSearch) -> Generator[Rows, None, None]:
        decided, query = decision.plan, decision.transfer.query
        columns = decided.source_columns
        try:
            with (
                self.reading.errors(),
                closing(self.source.rows(query, columns, verbatim=decided.verbatim)) as found,
            ):
                for rows in found:
                    self.watch.stop_if_asked()
                    yield rows
        except StepFailed as failed:
            raise (search.better(failed) if decided.coercions else failed) from failed.__cause__

    def _output(self, decision: Decision, loaded: _Loaded, outcome: Outcome) -> dict[str, Any]:
        decided, moved, part = decision.plan, loaded.moved, decision.stretch
        more: dict[str, Any] = {}
        if part is not None:
            more["incremental"] = {
                "column": part.column.name,
                "from": part.start,
                "to": loaded.mark,
            }
        if loaded.checksum is not None:
            more["checksum"] = loaded.checksum
        return {
            "source_rows": moved.read,
            "target_rows": moved.written,
            "mode": decided.mode,
            "lane": loaded.lane.name,
            "lanes_passed_over": list(loaded.lane.passed_over),
            "bytes": moved.size,
            "way": outcome.choice.way.value,
            "way_reason": outcome.choice.reason,
            "swap_ms": round(outcome.seconds * 1000),
            "coercions": decided.coercions,
            "left_alone": decided.left_alone,
            "became_null": dict(moved.blanked),
            "added_columns": self.added,
            "ignored_columns": decided.ignored,
            **more,
            **outcome.changes,
        }
