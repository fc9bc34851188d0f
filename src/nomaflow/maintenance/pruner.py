"""The step of the built-in job `_internal-prune-runs`: deletes the runs that are past retention.

It is no installed step type: only the engine's own job may use it.
"""

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from nomaflow.clock import Clock
from nomaflow.history.database import Database
from nomaflow.history.retention import Cursor, Retention, RetentionRule
from nomaflow.steps.base import HostKind, Output, StepSpec
from nomaflow.steps.context import StepContext


class PruneSpec(StepSpec):
    """`[retention]` of app.toml, as it was when the run started."""

    days: Annotated[int, Field(ge=1)]
    keep_last_per_job: Annotated[int, Field(ge=1)]


class PruneRuns:
    """Every other process goes on meanwhile: what is deleted at a time is small."""

    name: ClassVar[str] = "prune_runs"
    title: ClassVar[str] = "Prune runs"
    host: ClassVar[HostKind] = "event_loop"
    params_field: ClassVar[str | None] = None
    literal_fields: ClassVar[frozenset[str]] = frozenset()
    Spec = PruneSpec

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self, spec: PruneSpec, ctx: StepContext) -> Output:
        """Raises Unreachable; what was deleted until then stays deleted, and is in the log."""
        ended_before = self._clock.now() - timedelta(days=spec.days)
        retention = Retention(self._database, RetentionRule(ended_before, spec.keep_last_per_job))
        counts = dict.fromkeys(("pruned_runs", "kept_last_successes", "kept_newest"), 0)
        cursor: Cursor | None = None
        while True:
            old = await retention.look(cursor)
            counts["kept_last_successes"] += old.kept_last_successes
            counts["kept_newest"] += old.kept_newest
            counts["pruned_runs"] += await retention.delete(old.expired)
            ctx.progress(counts["pruned_runs"])
            cursor = old.cursor
            if cursor is None:
                break
        ctx.log.info(
            "%d runs that ended before %s deleted", counts["pruned_runs"], f"{ended_before:%F %T}"
        )
        return counts | {"ended_before": ended_before.isoformat()}
