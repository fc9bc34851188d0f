"""Use cases on time: what ran and what comes in a window, and what an expression would do."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice, takewhile

from nomaflow.clock import Clock
from nomaflow.domain.job import Job, JobId
from nomaflow.domain.run import Run
from nomaflow.errors import Refused
from nomaflow.history.pages import RunFilter
from nomaflow.history.runs import RunHistory
from nomaflow.triggers.preview import Preview
from nomaflow.triggers.preview import preview as previewed

LONGEST_WINDOW = timedelta(days=400)
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """The newest runs first, the next due times first; each is cut off after the limit."""

    since: datetime
    until: datetime
    runs: tuple[Run, ...]
    has_more_runs: bool
    due: tuple[tuple[datetime, JobId], ...]
    has_more_due: bool


@dataclass(frozen=True)
class Schedule:
    """`next_due` gives a job's first due time after an instant; `zone` is the instance's."""

    clock: Clock
    history: RunHistory
    jobs: Callable[[], Iterable[Job]]
    next_due: Callable[[Job, datetime], datetime | None]
    zone: str

    async def window(self, since: datetime | None, until: datetime | None, limit: int) -> Window:
        """From `since` (default: a day ago) to `until` (a day ahead). Raises Refused."""
        now = self.clock.now()
        begin, end = since or now - A_DAY, until or now + A_DAY
        if not begin < end <= begin + LONGEST_WINDOW:
            raise Refused("Ask for a window of at most 400 days, its beginning before its end.")
        page = await self.history.page(RunFilter(since=begin, until=end, limit=limit))
        due = await asyncio.to_thread(self._due, max(now, begin), end, limit + 1)
        return Window(
            begin, end, page.runs, page.next_cursor is not None, due[:limit], len(due) > limit
        )

    async def preview(
        self, text: str, *, timezone: str | None, start: datetime | None, count: int
    ) -> Preview:
        """What a cron expression or interval would do. Raises InvalidSchedule."""
        begin = start or self.clock.now()
        return await asyncio.to_thread(previewed, text, timezone or self.zone, begin, count)

    def _due(
        self, since: datetime, until: datetime, limit: int
    ) -> tuple[tuple[datetime, JobId], ...]:
        coming = merge(*(self._due_times(job, since) for job in self.jobs()))
        return tuple(islice(takewhile(lambda due: due[0] < until, coming), limit))

    def _due_times(self, job: Job, after: datetime) -> Iterator[tuple[datetime, JobId]]:
        due = self.next_due(job, after)
        while due is not None:
            yield due, job.id
            due = self.next_due(job, due)
