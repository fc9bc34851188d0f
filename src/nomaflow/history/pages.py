"""Pages of runs, newest first: by key, so that none is skipped or shown twice."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

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
    return query.order_by(job_runs.c.id.desc()).limit(page_size(wanted) + 1)


def page_size(wanted: RunFilter) -> int:
    return max(1, min(wanted.limit, MOST_PER_PAGE))


def cursor_after(run: Run) -> str:
    return urlsafe_b64encode(f"before {run.id}".encode()).decode()


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
        yield runs.id < _position(wanted.cursor)


def _mentions(text: str) -> ColumnElement[bool]:
    places = (job_runs.c.job_id, job_runs.c.reason, job_runs.c.triggered_by)
    found = [place.icontains(text, autoescape=True) for place in places]
    if text.isdecimal() and len(text) <= LONGEST_ID:
        found.append(job_runs.c.id == int(text))
    return or_(*found)


def _position(cursor: str) -> int:
    try:
        word, number = urlsafe_b64decode(cursor).decode().split(" ")
        if word == "before":
            return int(number)
    except ValueError:
        pass
    raise Refused(f"'{cursor}' is not a cursor of this list. Ask again without one.")
