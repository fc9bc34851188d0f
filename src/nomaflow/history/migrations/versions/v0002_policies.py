"""Policies of due times: turns, pauses, the schedulers' last sign of life."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    waits_turn: sa.Column[bool] = sa.Column(
        "waits_turn", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("ly2_job_runs", waits_turn)
    op.add_column("ly2_job_runs", sa.Column("on_behalf_of", sa.Text()))
    _create_pauses()
    _create_signs_of_life()


def _create_pauses() -> None:
    op.create_table(
        "ly2_pauses",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("until", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("exceptions", sa.JSON(), nullable=False),
        sa.Column("begun_by", sa.Text(), nullable=False),
        sa.Column("ended_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="ly2_pauses_pkey"),
        sqlite_autoincrement=True,
    )


def _create_signs_of_life() -> None:
    op.create_table(
        "ly2_signs_of_life",
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("actor", name="ly2_signs_of_life_pkey"),
    )
