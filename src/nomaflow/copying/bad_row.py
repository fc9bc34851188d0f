"""Names the row of a value that the source's own SELECT could not coerce.

A database says that it failed, not where. The rows are read once more, this time with the
coercions done here, up to the first value that does not fit.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from nomaflow.connectors.copies import Source
from nomaflow.connectors.tables import Rows
from nomaflow.connectors.values import BadValue
from nomaflow.copying.decide import Decision
from nomaflow.copying.stream import bad_value, converter
from nomaflow.errors import NomaflowError, StepFailed


@dataclass(frozen=True)
class BadRowSearch:
    """`slow` decides on the same copy without SQL coercions; it is asked in a new snapshot."""

    source: Source
    slow: Callable[[], Decision]

    def better(self, failed: StepFailed) -> StepFailed:
        """The failure, in words that name column and key if the row is still there."""
        with suppress(NomaflowError):
            self.source.end()
            self.source.begin()
            return next(self._bad_values(self.slow()), failed)
        return failed

    def _bad_values(self, decision: Decision) -> Iterator[StepFailed]:
        before, columns = 0, decision.plan.columns
        for rows in self._rows(decision):
            try:
                converter(columns)(rows)
            except BadValue as bad:
                yield bad_value(decision.plan, bad, rows, before)
            before += len(rows)

    def _rows(self, decision: Decision) -> Iterator[Rows]:
        columns = decision.plan.source_columns
        return self.source.rows(decision.transfer.query, columns, verbatim=False)
