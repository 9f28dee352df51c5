"""Reviews that were sent, and what owners answered to them.

Revision: 0019, after 0018.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twinledger.store.roles import grant

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# As the columns are today: a later change of twinledger.store.types must not change this revision.
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """No review was sent yet."""
    op.create_table(
        "reviews",
        sa.Column("period", sa.String(255), nullable=False),
        sa.Column("department", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(255), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("sent_at", INSTANT, nullable=False),
        sa.Column("reminded_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("period", "department", name=op.f("pk_reviews")),
    )
    op.create_table(
        "review_items",
        sa.Column("period", sa.String(255), nullable=False),
        sa.Column("department", sa.String(255), nullable=False),
        sa.Column("item", sa.String(255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("asked", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(255), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.String(255), nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("answered_on", sa.String(255), nullable=True),
        sa.ForeignKeyConstraint(
            ["period", "department"],
            ["reviews.period", "reviews.department"],
            name=op.f("fk_review_items_period_department"),
        ),
        sa.PrimaryKeyConstraint("period", "department", "item", name=op.f("pk_review_items")),
    )
    grant(op.get_bind())
