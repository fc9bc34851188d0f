"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    _create_job_runs()
    _create_step_runs()
    _create_step_attempts()
    _create_job_logs()
    _create_revisions()
    _create_processes()
    _create_tokens()
    _create_schedules()


def _create_job_runs() -> None:
    op.create_table(
        "ly2_job_runs",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("triggered_by", sa.Text(), nullable=False),
        sa.Column("trigger_id", sa.Text()),
        sa.Column("scheduled_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT),
        sa.Column("finished_at", INSTANT),
        sa.Column("not_before", INSTANT),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("reserved_for", sa.Text()),
        sa.Column("options", sa.Text()),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("revision_id", ID),
        sa.Column("cancel_requested_at", INSTANT),
        sa.Column("cancel_requested_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="ly2_job_runs_pkey"),
        sa.UniqueConstraint(
            "job_id",
            "trigger_id",
            "scheduled_at",
            name="ly2_job_runs_job_id_trigger_id_scheduled_at_key",
        ),
        sqlite_autoincrement=True,
    )
    for columns in (
        ["job_id", "id"],
        ["state", "id"],
        ["job_id", "state", "id"],
        ["started_at", "id"],
        ["created_at", "id"],
    ):
        op.create_index(f"ly2_job_runs_{'_'.join(columns)}_idx", "ly2_job_runs", columns)


def _create_step_runs() -> None:
    op.create_table(
        "ly2_step_runs",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("step_index", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("started_at", INSTANT),
        sa.Column("finished_at", INSTANT),
        sa.Column("output", sa.JSON()),
        sa.Column("error", sa.JSON()),
        sa.PrimaryKeyConstraint("run_id", "step_index", name="ly2_step_runs_pkey"),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["ly2_job_runs.id"],
            name="ly2_step_runs_run_id_fkey",
            ondelete="CASCADE",
        ),
    )


def _create_step_attempts() -> None:
    op.create_table(
        "ly2_step_attempts",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("step_index", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.Column("output", sa.JSON()),
        sa.Column("error", sa.JSON()),
        sa.PrimaryKeyConstraint("run_id", "step_index", "attempt", name="ly2_step_attempts_pkey"),
        sa.ForeignKeyConstraint(
            ["run_id", "step_index"],
            ["ly2_step_runs.run_id", "ly2_step_runs.step_index"],
            name="ly2_step_attempts_run_id_fkey",
            ondelete="CASCADE",
        ),
    )


def _create_job_logs() -> None:
    op.create_table(
        "ly2_job_logs",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("first_seq", sa.Integer(), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("worst_level", sa.Integer(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "last_seq", name="ly2_job_logs_pkey"),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["ly2_job_runs.id"],
            name="ly2_job_logs_run_id_fkey",
            ondelete="CASCADE",
        ),
    )


def _create_revisions() -> None:
    op.create_table(
        "ly2_revisions",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="ly2_revisions_pkey"),
        sqlite_autoincrement=True,
    )
    op.create_index("ly2_revisions_file_id_idx", "ly2_revisions", ["file", "id"])


def _create_processes() -> None:
    op.create_table(
        "ly2_processes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("heartbeat_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="ly2_processes_pkey"),
    )


def _create_tokens() -> None:
    op.create_table(
        "ly2_tokens",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.Column("last_used_at", INSTANT),
        sa.PrimaryKeyConstraint("name", name="ly2_tokens_pkey"),
        sa.UniqueConstraint("sha256", name="ly2_tokens_sha256_key"),
    )


def _create_schedules() -> None:
    op.create_table(
        "ly2_schedules",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("trigger_id", sa.Text(), nullable=False),
        sa.Column("cursor_at", INSTANT),
        sa.Column("suspended_reason", sa.Text()),
        sa.PrimaryKeyConstraint("job_id", "trigger_id", name="ly2_schedules_pkey"),
    )
