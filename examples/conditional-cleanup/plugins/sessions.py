"""Deleting without holding a lock for long."""

from typing import Any

from liberty.jobs.types import StepContext

BATCH = 500


def delete_old(ctx: StepContext, before: str, **_: Any) -> dict[str, int]:
    """Delete the sessions that ended before that day, a few at a time."""
    app = ctx.get_connector("app")
    total = app.scalar("SELECT count(*) FROM sessions WHERE ended_on < :before", {"before": before})
    deleted = 0
    while not ctx.is_cancelled():
        batch = app.execute(
            "DELETE FROM sessions WHERE id IN"
            " (SELECT id FROM sessions WHERE ended_on < :before LIMIT :most)",
            {"before": before, "most": BATCH},
        )
        if batch.rowcount == 0:
            break
        deleted += batch.rowcount
        ctx.progress(deleted, total)
    return {"deleted": deleted}
