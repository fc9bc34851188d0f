"""Every table of the store, in one place. Reads as: a run has steps, a step has attempts."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    column,
    false,
)

from nomaflow.history.types import BigId, Instant, JsonObject, Reason, Words

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)

job_runs = Table(
    "ly2_job_runs",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("job_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Reason),
    Column("triggered_by", Words, nullable=False),
    Column("trigger_id", Text),
    Column("scheduled_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("not_before", Instant),
    Column("attempt", Integer, nullable=False),
    Column("owner", Text),
    Column("reserved_for", Text),
    Column("options", Text),
    Column("params", JsonObject, nullable=False),
    Column("revision_id", BigId),
    Column("cancel_requested_at", Instant),
    Column("cancel_requested_by", Words),
    Column("waits_turn", Boolean, nullable=False, server_default=false()),
    Column("on_behalf_of", Words),
    UniqueConstraint("job_id", "trigger_id", "scheduled_at"),
    Index(None, "job_id", "id"),
    Index(None, "state", "id"),
    Index(None, "job_id", "state", "id"),
    Index(None, "state", "created_at", "id"),
    Index(None, "created_at", "id"),
    Index(None, "triggered_by", "id"),
    Index(
        "ly2_job_runs_with_reason_idx",
        "id",
        "reason",
        sqlite_where=column("reason").is_not(None),
        postgresql_where=column("reason").is_not(None),
    ),
    sqlite_autoincrement=True,
)

step_runs = Table(
    "ly2_step_runs",
    metadata,
    Column("run_id", BigId, ForeignKey(job_runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("step_index", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Words),
    Column("attempts", Integer, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("output", JsonObject),
    Column("error", JsonObject),
)

step_attempts = Table(
    "ly2_step_attempts",
    metadata,
    Column("run_id", BigId, primary_key=True),
    Column("step_index", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("output", JsonObject),
    Column("error", JsonObject),
    ForeignKeyConstraint(
        ["run_id", "step_index"],
        [step_runs.c.run_id, step_runs.c.step_index],
        ondelete="CASCADE",
    ),
)

# Keyed by the last line, so that a range of lines is one range of the key.
job_logs = Table(
    "ly2_job_logs",
    metadata,
    Column("run_id", BigId, ForeignKey(job_runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("last_seq", Integer, primary_key=True),
    Column("first_seq", Integer, nullable=False),
    Column("line_count", Integer, nullable=False),
    Column("worst_level", Integer, nullable=False),
    Column("steps", JsonObject, nullable=False),
    Column("lines", LargeBinary, nullable=False),
)

revisions = Table(
    "ly2_revisions",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("file", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("who", Words, nullable=False),
    Column("note", Words),
    Column("saved_at", Instant, nullable=False),
    Index(None, "file", "id"),
    sqlite_autoincrement=True,
)

processes = Table(
    "ly2_processes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("heartbeat_at", Instant, nullable=False),
)

tokens = Table(
    "ly2_tokens",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sha256", Text, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
)

# Apart from the runs: a deleted run must never let its due time fire again.
schedules = Table(
    "ly2_schedules",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("trigger_id", Text, primary_key=True),
    Column("cursor_at", Instant),
    Column("suspended_reason", Words),
)

pauses = Table(
    "ly2_pauses",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("began_at", Instant, nullable=False),
    Column("until", Instant),
    Column("ended_at", Instant),
    Column("reason", Words, nullable=False),
    Column("exceptions", JsonObject, nullable=False),
    Column("begun_by", Words, nullable=False),
    Column("ended_by", Words),
    sqlite_autoincrement=True,
)

# Outlives the processes: how long nobody looked is known after a restart.
signs_of_life = Table(
    "ly2_signs_of_life",
    metadata,
    Column("actor", Text, primary_key=True),
    Column("seen_at", Instant, nullable=False),
)

# Apart from the runs: a call counts once, also when its run was deleted since.
calls = Table(
    "ly2_calls",
    metadata,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("run_id", BigId, nullable=False),
    Column("called_at", Instant, nullable=False),
    Index(None, "called_at"),
)
