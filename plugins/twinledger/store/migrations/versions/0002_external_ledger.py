"""Slices within periods, control totals, and who closes a period.

Revision: 0002, after 0001.
"""

from __future__ import annotations

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# As the columns are today: a later change of twinledger.store.types must not change this revision.
AMOUNT = sa.Numeric(38, 18).with_variant(sa.String(64), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("rows_aside", sa.Integer(), nullable=False, server_default="0"))

    kept = op.get_bind().execute(sa.text("SELECT * FROM delivery_slices")).mappings().all()
    op.drop_table("delivery_slices")
    slices = op.create_table(
        "delivery_slices",
        sa.Column("delivery", sa.String(255), nullable=False),
        sa.Column("period", sa.String(255), nullable=False),
        sa.Column("slice", sa.String(255), nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("totals", sa.JSON(), nullable=False),
        sa.Column("committed_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["delivery"], ["deliveries.id"], name=op.f("fk_delivery_slices_delivery")),
        sa.PrimaryKeyConstraint("delivery", "period", "slice", name=op.f("pk_delivery_slices")),
    )
    op.create_index(op.f("ix_delivery_slices_source"), "delivery_slices", ["source"], unique=False)
    for row in kept:
        # Until now a bill's slice was a whole billing period; usage has a slice a day.
        is_period = len(row["slice"]) == len("2026-10")
        moved = {**row, "period": row["slice"][:7], "slice": "all" if is_period else row["slice"]}
        moved["current"] = bool(row["current"])
        moved["totals"] = json.loads(row["totals"]) if isinstance(row["totals"], str) else row["totals"]
        moved["committed_at"] = _instant(row["committed_at"])
        op.get_bind().execute(slices.insert().values(moved))

    op.create_table(
        "control_totals",
        sa.Column("origin", sa.String(255), nullable=False),
        sa.Column("provider", sa.String(255), nullable=False),
        sa.Column("account", sa.String(255), nullable=False),
        sa.Column("period", sa.String(255), nullable=False),
        sa.Column("currency", sa.String(255), nullable=False),
        sa.Column("document", sa.String(255), nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint(
            "origin", "provider", "account", "period", "currency", "document", name=op.f("pk_control_totals")
        ),
    )

    op.add_column("periods", sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
    for name in ("asked_by", "digest", "decided_by", "decided_on"):
        op.add_column("periods", sa.Column(name, sa.String(255), nullable=True))
    for name in ("asked_at", "decided_at"):
        op.add_column("periods", sa.Column(name, INSTANT, nullable=True))
    op.add_column("periods", sa.Column("comment", sa.Text(), nullable=True))
    op.add_column("periods", sa.Column("facts", sa.JSON(), nullable=True))


def _instant(stored: str | datetime | None) -> datetime | None:
    """SQLite gives a raw query its texts."""
    return datetime.fromisoformat(stored) if isinstance(stored, str) else stored
