"""Use case: put back what a table copy has replaced."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final, cast

from nomaflow.clock import Clock
from nomaflow.connectors.base import Connector
from nomaflow.connectors.sql import SqlConnector
from nomaflow.connectors.tables import TableName
from nomaflow.copying.order import Watch
from nomaflow.copying.receipt import ReceiptKey
from nomaflow.copying.side import Side
from nomaflow.copying.undo import undo
from nomaflow.domain.run import RunId
from nomaflow.errors import NotFound, Refused, StepFailed
from nomaflow.history.runs import RunHistory
from nomaflow.log import FactLog

log: Final = FactLog()


@dataclass(frozen=True)
class Undone:
    """A table that holds its previous version again."""

    connector: str
    table: str
    rows: int


class Undo:
    """Puts previous versions back; `connector` opens a connector by its name."""

    def __init__(
        self, history: RunHistory, connector: Callable[[str], Connector], clock: Clock
    ) -> None:
        self._history = history
        self._connector = connector
        self._clock = clock

    async def step(self, run_id: RunId, name: str, *, by: str) -> Undone:
        """Make the step's target hold what it held before that run.

        Raises NotFound; Refused when the step kept nothing, when that is gone, or when the table
        was changed since; Unreachable.
        """
        kept = await self._kept(run_id, name)
        done = await asyncio.to_thread(self._put_back, kept)
        log.info("step_undone", by=by, run_id=run_id, step=name, rows=done.rows)
        return done

    async def _kept(self, run_id: RunId, name: str) -> Mapping[str, Any]:
        await self._history.get(run_id)
        steps = {step.name: step for step in await self._history.steps(run_id)}
        if name not in steps:
            raise NotFound(f"Run {run_id} has no step '{name}'. It has: {', '.join(steps)}.")
        kept = (steps[name].output or {}).get("kept")
        if not isinstance(kept, Mapping):
            raise Refused(
                f"Step '{name}' of run {run_id} kept no previous version. Overwrites of a "
                "sql_copy step do with 'keep_previous = 1'."
            )
        return kept

    def _put_back(self, kept: Mapping[str, Any]) -> Undone:
        name = TableName(kept["table"], kept["schema"])
        watch = Watch(lambda _: None, lambda *_: None, lambda: False, self._clock)
        ends = (self._side(kept["connector"]), self._side(kept["connector"]))
        receipt = ReceiptKey("undo", self._clock.now())
        try:
            receipt_of_copy = undo(name, kept["version"], *ends, watch, receipt)
        except StepFailed as failed:
            raise Refused(str(failed)) from failed
        return Undone(kept["connector"], str(name), receipt_of_copy["target_rows"])

    def _side(self, name: str) -> Side:
        connector = cast("SqlConnector", self._connector(name))
        return Side(name, connector.dialect, connector.pool, lambda _: nullcontext(), lambda: False)
