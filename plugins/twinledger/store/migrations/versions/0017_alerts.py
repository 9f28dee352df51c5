"""Alerts, their lives, and what people say of them.

Revision: 0017, after 0016.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twinledger.store.roles import grant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# As the columns are today: a later change of twinledger.store.types must not change this revision.
AMOUNT = sa.Numeric(38, 18).with_variant(sa.String(64), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nothing was told yet."""
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("rule", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(255), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("view", sa.String(255), nullable=False),
        sa.Column("department", sa.String(255), nullable=False),
        sa.Column("period", sa.String(255), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(255), nullable=False),
        sa.Column("resolution", sa.String(255), nullable=True),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("assignee", sa.String(255), nullable=True),
        sa.Column("actual", AMOUNT, nullable=False),
        sa.Column("expected", AMOUNT, nullable=False),
        sa.Column("impact", AMOUNT, nullable=False),
        sa.Column("currency", sa.String(255), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("causes", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.Column("anomaly", sa.String(255), nullable=False),
        sa.Column("data_as_of", INSTANT, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("new_since", INSTANT, nullable=False),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("told_at", INSTANT, nullable=True),
        sa.Column("told_impact", AMOUNT, nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("digest_due", INSTANT, nullable=True),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("escalated", sa.Integer(), nullable=False),
        sa.Column("snoozed_until", INSTANT, nullable=True),
        sa.Column("snoozed_impact", AMOUNT, nullable=True),
        sa.Column("acted_by", sa.String(255), nullable=True),
        sa.Column("acted_at", INSTANT, nullable=True),
        sa.Column("acted_on", sa.String(255), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_period"), "alerts", ["period"])
    op.create_index(op.f("ix_alerts_state"), "alerts", ["state"])
    op.create_table(
        "alert_notes",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("alert_id", sa.String(255), nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("surface", sa.String(255), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("fk_alert_notes_alert_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_notes")),
    )
    op.create_index(op.f("ix_alert_notes_alert_id"), "alert_notes", ["alert_id"])
    grant(op.get_bind())
