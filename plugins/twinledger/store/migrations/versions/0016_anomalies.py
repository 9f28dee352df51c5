"""Anomalies of daily and hourly series, and what people answered.

Revision: 0016, after 0015.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twinledger.store.roles import grant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# As the columns are today: a later change of twinledger.store.types must not change this revision.
AMOUNT = sa.Numeric(38, 18).with_variant(sa.String(64), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nothing was looked for yet."""
    op.create_table(
        "anomalies",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("view", sa.String(255), nullable=False),
        sa.Column("bucket", sa.String(255), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("department", sa.String(255), nullable=False),
        sa.Column("shape", sa.String(255), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=False),
        sa.Column("actual", AMOUNT, nullable=False),
        sa.Column("expected", AMOUNT, nullable=False),
        sa.Column("currency", sa.String(255), nullable=False),
        sa.Column("causes", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.Column("state", sa.String(255), nullable=False),
        sa.Column("answer", sa.String(255), nullable=False),
        sa.Column("known_through", INSTANT, nullable=False),
        sa.Column("found_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_anomalies")),
    )
    op.create_index(op.f("ix_anomalies_started_at"), "anomalies", ["started_at"])
    op.create_index(op.f("ix_anomalies_state"), "anomalies", ["state"])
    op.create_table(
        "anomaly_answers",
        sa.Column("anomaly", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("view", sa.String(255), nullable=False),
        sa.Column("verdict", sa.String(255), nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("surface", sa.String(255), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("counts_from", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["anomaly"], ["anomalies.id"], name=op.f("fk_anomaly_answers_anomaly")),
        sa.PrimaryKeyConstraint("anomaly", name=op.f("pk_anomaly_answers")),
    )
    grant(op.get_bind())
