"""Names the row of a value that the source's own SELECT could not coerce.

A database says that it failed, not where. The rows are read once more, this time with the
coercions done here, up to the first value that does not fit.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from nomaflow.connectors.copies import Source, Transfer
from nomaflow.connectors.tables import Query, Rows
from nomaflow.connectors.values import BadValue
from nomaflow.copying.plan import Plan
from nomaflow.copying.stream import bad_value, converter
from nomaflow.errors import NomaflowError, StepFailed

Slow = tuple[Plan, Transfer]


@dataclass(frozen=True)
class BadRowSearch:
    """`slow` plans the same copy without SQL coercions; it is asked in a new snapshot."""

    source: Source
    slow: Callable[[], Slow]

    def better(self, failed: StepFailed) -> StepFailed:
        """The failure, in words that name column and key if the row is still there."""
        with suppress(NomaflowError):
            self.source.end()
            self.source.begin()
            plan, transfer = self.slow()
            return next(self._bad_values(plan, transfer.query), failed)
        return failed

    def _bad_values(self, plan: Plan, query: Query) -> Iterator[StepFailed]:
        before = 0
        for rows in self._rows(plan, query):
            try:
                converter(plan.columns)(rows)
            except BadValue as bad:
                yield bad_value(plan, bad, rows, before)
            before += len(rows)

    def _rows(self, plan: Plan, query: Query) -> Iterator[Rows]:
        return self.source.rows(query, plan.source_columns, verbatim=False)
