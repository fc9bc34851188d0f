"""Runs found by who started them, and those that have a reason: a text is looked for there."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index("ly2_job_runs_triggered_by_id_idx", "ly2_job_runs", ["triggered_by", "id"])
    with_reason = sa.column("reason").is_not(None)
    op.create_index(
        "ly2_job_runs_with_reason_idx",
        "ly2_job_runs",
        ["id", "reason"],
        sqlite_where=with_reason,
        postgresql_where=with_reason,
    )
