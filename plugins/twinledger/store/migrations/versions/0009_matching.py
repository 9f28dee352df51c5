"""Resource aliases; contract cards by rule, with discounts and tiers; commitments to vendors.

Revision: 0009, after 0008.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twinledger.store.roles import grant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# As the columns are today: a later change of twinledger.store.types must not change this revision.
AMOUNT = sa.Numeric(38, 18).with_variant(sa.String(64), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Cards widen, two tables are new."""
    with op.batch_alter_table("contract_cards") as cards:
        cards.add_column(sa.Column("rules", sa.JSON(), nullable=True))
        cards.add_column(sa.Column("discount", AMOUNT, nullable=True))
        cards.add_column(sa.Column("tiers", sa.JSON(), nullable=True))
        cards.alter_column("sku", existing_type=sa.String(255), nullable=True)
        cards.alter_column("unit_price", existing_type=AMOUNT, nullable=True)
        cards.alter_column("currency", existing_type=sa.String(255), nullable=True)
    op.create_table(
        "commitment_cards",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("vendor", sa.String(255), nullable=False),
        sa.Column("commitment", sa.String(255), nullable=True),
        sa.Column("sku", sa.String(255), nullable=True),
        sa.Column("rules", sa.JSON(), nullable=True),
        sa.Column("region", sa.String(255), nullable=True),
        sa.Column("kind", sa.String(255), nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("per", sa.String(255), nullable=False),
        sa.Column("unit", sa.String(255), nullable=True),
        sa.Column("currency", sa.String(255), nullable=True),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_to", sa.Date(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commitment_cards")),
    )
    op.create_table(
        "resource_aliases",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("pool", sa.String(255), nullable=True),
        sa.Column("billed", sa.JSON(), nullable=False),
        sa.Column("metered", sa.JSON(), nullable=False),
        sa.Column("effective_from", sa.String(255), nullable=False),
        sa.Column("effective_to", sa.String(255), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.String(255), nullable=True),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_resource_aliases")),
    )
    grant(op.get_bind())
