"""The life of breaks: who does what with one, comments, who answers for it, and how much money is urgent.

Revision: 0007, after 0006.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twinledger.store.roles import grant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# As the columns are today: a later change of twinledger.store.types must not change this revision.
AMOUNT = sa.Numeric(38, 18).with_variant(sa.String(64), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Breaks of before keep their identity, state and age; what is resolved was cleared by a run."""
    for column in (
        sa.Column("provider", sa.String(255), nullable=False, server_default=""),
        sa.Column("account", sa.String(255), nullable=False, server_default=""),
        sa.Column("found", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("counted", AMOUNT, nullable=True),
        sa.Column("assignee", sa.String(255), nullable=True),
        sa.Column("acted_by", sa.String(255), nullable=True),
        sa.Column("acted_at", INSTANT, nullable=True),
        sa.Column("acted_on", sa.String(255), nullable=True),
        sa.Column("snoozed_until", INSTANT, nullable=True),
        sa.Column("snoozed_amount", AMOUNT, nullable=True),
        sa.Column("resolution", sa.String(255), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("reference", sa.String(255), nullable=True),
        sa.Column("accepted_amount", AMOUNT, nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=True),
    ):
        op.add_column("breaks", column)
    op.execute("UPDATE breaks SET counted = amount WHERE state <> 'resolved'")
    op.execute("UPDATE breaks SET resolution = 'cleared', found = FALSE WHERE state = 'resolved'")
    op.create_table(
        "break_comments",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("break_id", sa.String(255), nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("surface", sa.String(255), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["break_id"], ["breaks.id"], name=op.f("fk_break_comments_break_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_comments")),
    )
    op.create_index(op.f("ix_break_comments_break_id"), "break_comments", ["break_id"], unique=False)
    op.create_table(
        "break_owners",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("pools", sa.JSON(), nullable=False),
        sa.Column("providers", sa.JSON(), nullable=False),
        sa.Column("accounts", sa.JSON(), nullable=False),
        sa.Column("at_least", AMOUNT, nullable=True),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_break_owners")),
    )
    op.create_table(
        "break_priorities",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("at_least", AMOUNT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_break_priorities")),
    )
    grant(op.get_bind())
