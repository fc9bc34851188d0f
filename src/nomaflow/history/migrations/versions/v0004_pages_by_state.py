"""Pages of one state within a window of time; no page is read by when its runs began."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index(
        "ly2_job_runs_state_created_at_id_idx", "ly2_job_runs", ["state", "created_at", "id"]
    )
    op.drop_index("ly2_job_runs_started_at_id_idx", "ly2_job_runs")
