"""Calls that must count once: the idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "ly2_calls",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("called_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name="ly2_calls_pkey"),
    )
    op.create_index("ly2_calls_called_at_idx", "ly2_calls", ["called_at"])
