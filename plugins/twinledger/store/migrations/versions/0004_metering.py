"""Reporters and the events that they were told of as received.

Revision: 0004, after 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "reporters",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("feed", sa.String(255), nullable=False),
        sa.Column("token_sha256", sa.String(255), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["feed"], ["sources.name"], name=op.f("fk_reporters_feed")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_reporters")),
    )
    op.create_table(
        "received_events",
        sa.Column("feed", sa.String(255), nullable=False),
        sa.Column("event", sa.String(255), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "event", name=op.f("pk_received_events")),
    )
    op.create_index(op.f("ix_received_events_received_on"), "received_events", ["received_on"], unique=False)
