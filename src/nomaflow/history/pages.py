"""Pages of runs, newest first: by key, so that none is skipped or shown twice."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, literal, or_, select, tuple_

from nomaflow.domain.job import JobId
from nomaflow.domain.run import Run
from nomaflow.domain.states import RunState
from nomaflow.errors import Refused
from nomaflow.history.rows import RUN_COLUMNS
from nomaflow.history.tables import job_runs

MOST_PER_PAGE = 1000
LONGEST_ID = 18


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


def page_query(wanted: RunFilter) -> Select[*tuple[Any, ...]]:
    """The page's runs, and one more if there is a page after it. Raises Refused for the cursor."""
    query = select(*RUN_COLUMNS).where(*_conditions(wanted))
    return query.order_by(*(key.desc() for key in _keys(wanted))).limit(page_size(wanted) + 1)


def page_size(wanted: RunFilter) -> int:
    return max(1, min(wanted.limit, MOST_PER_PAGE))


def cursor_after(run: Run) -> str:
    return urlsafe_b64encode(f"{run.created_at.isoformat()} {run.id}".encode()).decode()


def _keys(wanted: RunFilter) -> tuple[Column[Any], ...]:
    """The order of the pages, by which the database finds the page at once in an index."""
    if wanted.since is None and wanted.until is None:
        return (job_runs.c.id,)
    return (job_runs.c.created_at, job_runs.c.id)


def _conditions(wanted: RunFilter) -> Iterator[ColumnElement[bool]]:
    runs = job_runs.c
    if wanted.job_id is not None:
        yield runs.job_id == wanted.job_id
    if wanted.states:
        yield runs.state.in_(wanted.states)
    if wanted.since is not None:
        yield runs.created_at >= wanted.since
    if wanted.until is not None:
        yield runs.created_at < wanted.until
    if wanted.text:
        yield _mentions(wanted.text)
    if wanted.cursor is not None:
        yield _is_after(wanted.cursor, _keys(wanted))


def _mentions(text: str) -> ColumnElement[bool]:
    places = (job_runs.c.job_id, job_runs.c.reason, job_runs.c.triggered_by)
    found = [place.icontains(text, autoescape=True) for place in places]
    if text.isdecimal() and len(text) <= LONGEST_ID:
        found.append(job_runs.c.id == int(text))
    return or_(*found)


def _is_after(cursor: str, keys: tuple[Column[Any], ...]) -> ColumnElement[bool]:
    place = {column: literal(value, column.type) for column, value in _place(cursor).items()}
    return tuple_(*keys) < tuple_(*(place[key] for key in keys))


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
