"""Pages of runs, newest first: by key, so that none is skipped or shown twice."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    UnaryExpression,
    bindparam,
    desc,
    func,
    literal,
    literal_column,
    select,
    tuple_,
    union_all,
)

from nomaflow.domain.job import JobId
from nomaflow.domain.run import Run
from nomaflow.domain.states import RunState
from nomaflow.errors import Refused
from nomaflow.history.rows import RUN_COLUMNS, AnyRow
from nomaflow.history.tables import job_runs

MOST_PER_PAGE = 1000

Place = tuple[Any, ...]
AnySelect = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]


@dataclass(frozen=True)
class RunFilter:
    """Which runs, and which page of them; absent means every one.

    `since` (included) and `until` (excluded) look at `created_at`, which every run has. `text` is
    looked for in job id, reason and trigger, in any case; a number finds the run of that id too.
    `cursor` is the `next_cursor` of the page before.
    """

    job_id: JobId | None = None
    states: frozenset[RunState] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True)
class RunPage:
    """Some runs, newest first, and the cursor of the next page; None after the last one."""

    runs: tuple[Run, ...]
    next_cursor: str | None


def newest_runs(connection: Connection, wanted: RunFilter, most: int) -> Sequence[AnyRow]:
    """The newest `most` of the wanted runs, whatever text they hold; newest first."""
    return connection.execute(newest(wanted, RUN_COLUMNS, most)).all()


def newest(wanted: RunFilter, columns: Sequence[Column[Any]], most: int) -> AnySelect:
    """Those columns of the newest wanted runs, `order_of` among them; the text is left aside.

    Of several states no row is read whose place is not among the newest of them all.
    """
    if len(wanted.states) < 2:
        return _newest_first(select(*columns).where(*conditions(wanted)), wanted, most)
    places = newest_places(wanted, most).subquery().c
    runs = select(*columns).where(job_runs.c.id == places.id)
    return runs.order_by(*(key.desc() for key in order_of(wanted)))


def newest_places(wanted: RunFilter, most: int) -> AnySelect:
    """The places of the newest wanted runs, whatever text they hold.

    Of several states every index has only its own runs in order: those of each are merged.
    """
    of_states = [replace(wanted, states=frozenset({state})) for state in sorted(wanted.states)]
    queries = [
        _newest_first(select(*order_of(each)).where(*conditions(each)), each, most)
        for each in of_states or [wanted]
    ]
    if len(queries) == 1:
        return queries[0]
    merged = union_all(*(select(query.subquery()) for query in queries))
    return _newest_first(merged, wanted, most)


def _newest_first(query: AnySelect, wanted: RunFilter, most: int) -> AnySelect:
    """The limit stands in the text: PostgreSQL plans for it also when it keeps the plan."""
    order: list[UnaryExpression[Any]] = [desc(key.name) for key in order_of(wanted)]
    return query.order_by(*order).limit(literal_column(str(most)))


def order_of(wanted: RunFilter) -> tuple[Column[Any], ...]:
    """The order of the pages, by which the database finds the page at once in an index.

    That of a window of time holds the runs of all jobs: one job's are looked for among its own.
    """
    if wanted.job_id is not None or (wanted.since is None and wanted.until is None):
        return (job_runs.c.id,)
    return (job_runs.c.created_at, job_runs.c.id)


def conditions(wanted: RunFilter, *, by_index: bool = True) -> Iterator[ColumnElement[bool]]:
    """What the runs fulfil, apart from the text. Raises Refused for the cursor.

    Without `by_index` the runs are found by something better, and these are only held against it.
    """
    seen = _as_it_is if by_index else aside
    runs = job_runs.c
    window = seen(runs.created_at) if wanted.job_id is None else aside(runs.created_at)
    if wanted.job_id is not None:
        yield seen(runs.job_id) == wanted.job_id
    if wanted.states:
        yield seen(runs.state).in_(_in_the_text(wanted.states))
    if wanted.since is not None:
        yield window >= wanted.since
    if wanted.until is not None:
        yield window < wanted.until
    if wanted.cursor is not None:
        place = _place(wanted.cursor)
        yield is_before(wanted, tuple(place[key] for key in order_of(wanted)), seen)


def _in_the_text(states: Collection[RunState]) -> BindParameter[list[RunState]]:
    """PostgreSQL then knows how rare they are, also when it keeps the plan for other values."""
    return bindparam("states", sorted(states), expanding=True, literal_execute=True, unique=True)


def aside(column: Column[Any]) -> ColumnElement[Any]:
    """What the column holds, for which no index is taken."""
    return func.coalesce(column, column)


def _as_it_is(column: Column[Any]) -> ColumnElement[Any]:
    return column


def is_before(
    wanted: RunFilter, place: Place, seen: Callable[[Column[Any]], ColumnElement[Any]]
) -> ColumnElement[bool]:
    """Whether a run comes after that place in the pages, which begin with the newest."""
    keys = order_of(wanted)
    values = [literal(value, key.type) for key, value in zip(keys, place, strict=True)]
    return tuple_(*map(seen, keys)) < tuple_(*values)


def page_size(wanted: RunFilter) -> int:
    return max(1, min(wanted.limit, MOST_PER_PAGE))


def cursor_after(run: Run) -> str:
    return urlsafe_b64encode(f"{run.created_at.isoformat()} {run.id}".encode()).decode()


def _place(cursor: str) -> dict[Column[Any], object]:
    """Where the page before ended. Raises Refused."""
    try:
        created_at, run_id = urlsafe_b64decode(cursor).decode().split(" ")
        at = datetime.fromisoformat(created_at)
        if at.tzinfo is not None:
            return {job_runs.c.created_at: at, job_runs.c.id: int(run_id)}
    except ValueError:
        pass
    raise Refused(f"'{cursor}' is not a cursor of this list. Ask again without one.")
