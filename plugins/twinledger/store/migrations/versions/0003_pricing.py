"""Prices with tiers and minimums, agreements, when a product was retired, and plans that are asked about.

Revision: 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# As the columns are today: a later change of twinledger.store.types must not change this revision.
AMOUNT = sa.Numeric(38, 18).with_variant(sa.String(64), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("prices", sa.Column("tiers", sa.JSON(), nullable=True))
    op.add_column("prices", sa.Column("minimum", AMOUNT, nullable=True))
    op.create_table(
        "agreements",
        sa.Column("department", sa.String(255), nullable=False),
        sa.Column("product", sa.String(255), nullable=False),
        sa.Column("meter", sa.String(255), nullable=False),
        sa.Column("effective_from", INSTANT, nullable=False),
        sa.Column("effective_to", INSTANT, nullable=True),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("tiers", sa.JSON(), nullable=True),
        sa.Column("minimum", AMOUNT, nullable=True),
        sa.Column("currency", sa.String(255), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["department"], ["departments.name"], name=op.f("fk_agreements_department")),
        sa.PrimaryKeyConstraint("department", "product", "meter", "effective_from", name=op.f("pk_agreements")),
    )

    op.create_table(
        "catalog_plans",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("state", sa.String(255), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(255), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("decided_by", sa.String(255), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decided_on", sa.String(255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_plans")),
    )

    op.add_column("products", sa.Column("retired_at", INSTANT, nullable=True))
    # Until now a product was retired without saying when: what it was used for before stays charged.
    retired = sa.text("UPDATE products SET retired_at = CURRENT_TIMESTAMP WHERE state = 'retired'")
    op.get_bind().execute(retired)
