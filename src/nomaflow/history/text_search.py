"""Runs that mention a text: exact, and quick however rare the text and long the history.

The newest runs are read one by one, which finds what is common at once. What is rarer is found by
the few names that jobs and triggers have, and among the runs that have a reason.
"""

from collections.abc import Iterator, Sequence
from heapq import nlargest
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, and_, desc, func, or_, select

from nomaflow.history.pages import (
    Place,
    RunFilter,
    aside,
    conditions,
    is_before,
    newest,
    newest_places,
    order_of,
)
from nomaflow.history.rows import RUN_COLUMNS, AnyRow
from nomaflow.history.stores.base import Store
from nomaflow.history.tables import job_runs

READ_ONE_BY_ONE = 1000
LONGEST_ID = 18
Way = tuple[ColumnElement[bool], ColumnElement[int]]
"""A condition, and the id by which to sort what fulfils it."""
READ = [job_runs.c[name] for name in ("id", "created_at", "job_id", "reason", "triggered_by")]


def runs_mentioning(
    store: Store,
    connection: Connection,
    wanted: RunFilter,
    most: int,
    one_by_one: int = READ_ONE_BY_ONE,
) -> Sequence[AnyRow]:
    """The newest `most` of the wanted runs that hold the text, newest first.

    `one_by_one`: how many of the newest are read before the older ones are found by index.
    """
    found = _among(store, connection, wanted, most, one_by_one)
    if len(found) < most:
        found += _behind(store, connection, wanted, most - len(found), one_by_one)
    return _rows(connection, found)


def _among(
    store: Store, connection: Connection, wanted: RunFilter, most: int, one_by_one: int
) -> list[Place]:
    """The places of those that hold the text, of the newest; read with nothing else of them."""
    keys = [key.name for key in order_of(wanted)]
    candidates = newest(wanted, READ, one_by_one).subquery().c
    holding = select(*(candidates[key] for key in keys)).where(
        _mentions(store, candidates, wanted.text)
    )
    newest_first = holding.order_by(*(candidates[key].desc() for key in keys))
    return [tuple(row) for row in connection.execute(newest_first.limit(most))]


def _behind(
    store: Store, connection: Connection, wanted: RunFilter, most: int, one_by_one: int
) -> list[Place]:
    """The places of the newest `most` behind those that were read one by one, found by index."""
    keys = order_of(wanted)
    read = newest_places(wanted, one_by_one).subquery().c
    newest_first = select(*read).order_by(*(key.desc() for key in read))
    last = connection.execute(newest_first.offset(one_by_one - 1).limit(1)).first()
    if last is None:
        return []
    others = [is_before(wanted, tuple(last), aside), *conditions(wanted, by_index=False)]
    found: set[Place] = set()
    for holds_text, run_id in _ways(store, connection, wanted.text):
        order = [run_id if key is job_runs.c.id else aside(key) for key in keys]
        query = select(*keys).where(holds_text, *others).order_by(*map(desc, order))
        found.update(tuple(row) for row in connection.execute(query.limit(most)))
    return nlargest(most, found)


def _mentions(store: Store, run: Any, text: str) -> ColumnElement[bool]:
    places = (run.job_id, run.reason, run.triggered_by)
    of_id = [run.id == int(text)] if _is_id(text) else []
    return or_(*of_id, *(store.holds(place, text) for place in places))


def _is_id(text: str) -> bool:
    return text.isdecimal() and len(text) <= LONGEST_ID


def _ways(store: Store, connection: Connection, text: str) -> Iterator[Way]:
    """How a run may come to hold the text, each with an index of its own."""
    run = job_runs.c
    if _is_id(text):
        yield run.id == int(text), run.id
    for place in (run.job_id, run.triggered_by):
        if names := _names(store, connection, place, text):
            yield place.in_(names), aside(run.id)
    said = job_runs.alias().c
    holds_text = and_(said.reason.is_not(None), store.holds(said.reason, text))
    yield and_(said.id == run.id, holds_text), said.id


def _names(store: Store, connection: Connection, place: Column[Any], text: str) -> list[str]:
    """What stands there in any run and holds the text: a leap in the index for each name."""
    first = select(func.min(place).label("name")).cte("names", recursive=True)
    following = select(func.min(place)).where(place > first.c.name).scalar_subquery()
    names = first.union_all(select(following).where(first.c.name.is_not(None)))
    query = select(names.c.name).where(store.holds(names.c.name, text))
    return list(connection.scalars(query))


def _rows(connection: Connection, places: Sequence[Place]) -> Sequence[AnyRow]:
    if not places:
        return []
    ids = [place[-1] for place in places]
    rows = connection.execute(select(*RUN_COLUMNS).where(job_runs.c.id.in_(ids)))
    by_id = {row.id: row for row in rows}
    return [by_id[each] for each in ids if each in by_id]
