"""Runs that mention a text: exact, and quick however rare the text and long the history.

The newest runs are read one by one, which finds what is common at once. What is rarer is found by
the few names that jobs and triggers have, and among the runs that have a reason.
"""

from collections.abc import Iterator, Sequence
from heapq import nlargest
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, and_, func, or_, select

from nomaflow.history.pages import Place, RunFilter, aside, conditions, is_before, newest, order_of
from nomaflow.history.rows import RUN_COLUMNS, AnyRow
from nomaflow.history.tables import job_runs

READ_ONE_BY_ONE = 5000
LONGEST_ID = 18


def runs_mentioning(
    connection: Connection, wanted: RunFilter, most: int, one_by_one: int = READ_ONE_BY_ONE
) -> Sequence[AnyRow]:
    """The newest `most` of the wanted runs that hold the text, newest first.

    `one_by_one`: how many of the newest are read before the older ones are found by index.
    """
    candidates = newest(wanted, RUN_COLUMNS, one_by_one).subquery()
    among = select(candidates).where(_mentions(candidates.c, wanted.text))
    among = among.order_by(*(candidates.c[key.name].desc() for key in order_of(wanted)))
    found = connection.execute(among.limit(most)).all()
    if len(found) == most:
        return found
    reached = newest(wanted, order_of(wanted), 1).offset(one_by_one - 1)
    last = connection.execute(reached).first()
    if last is None:
        return found
    older = _older(connection, wanted, tuple(last), most - len(found))
    return [*found, *_rows(connection, older)]


def _mentions(run: Any, text: str) -> ColumnElement[bool]:
    places = (run.job_id, run.reason, run.triggered_by)
    return or_(_is_id(run.id, text), *(place.icontains(text, autoescape=True) for place in places))


def _is_id(run_id: ColumnElement[int], text: str) -> ColumnElement[bool]:
    number = int(text) if text.isdecimal() and len(text) <= LONGEST_ID else None
    return run_id == number


def _older(connection: Connection, wanted: RunFilter, before: Place, most: int) -> list[Place]:
    """The places of the newest `most` runs before a place, found by index."""
    keys = order_of(wanted)
    others = [is_before(wanted, before, aside), *conditions(wanted, by_index=False)]
    order = [aside(key).desc() for key in keys]
    found: set[Place] = set()
    for holds_text in _ways(connection, wanted.text):
        query = select(*keys).where(holds_text, *others).order_by(*order).limit(most)
        found.update(tuple(row) for row in connection.execute(query))
    return nlargest(most, found)


def _ways(connection: Connection, text: str) -> Iterator[ColumnElement[bool]]:
    """How a run may come to hold the text, each with an index of its own."""
    run = job_runs.c
    yield _is_id(run.id, text)
    for place in (run.job_id, run.triggered_by):
        if names := _names(connection, place, text):
            yield place.in_(names)
    yield and_(run.reason.is_not(None), run.reason.icontains(text, autoescape=True))


def _names(connection: Connection, place: Column[Any], text: str) -> list[str]:
    """What stands there in any run and holds the text: a leap in the index for each name."""
    first = select(func.min(place).label("name")).cte("names", recursive=True)
    following = select(func.min(place)).where(place > first.c.name).scalar_subquery()
    names = first.union_all(select(following).where(first.c.name.is_not(None)))
    query = select(names.c.name).where(names.c.name.icontains(text, autoescape=True))
    return list(connection.scalars(query))


def _rows(connection: Connection, places: Sequence[Place]) -> Sequence[AnyRow]:
    ids = [place[-1] for place in places]
    rows = connection.execute(select(*RUN_COLUMNS).where(job_runs.c.id.in_(ids)))
    by_id = {row.id: row for row in rows}
    return [by_id[each] for each in ids if each in by_id]
