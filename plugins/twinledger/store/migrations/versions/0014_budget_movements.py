"""Budgets move: from department to department, and from one period to the next.

Revision: 0014, after 0013.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twinledger.store.roles import grant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# As the columns are today: a later change of twinledger.store.types must not change this revision.
AMOUNT = sa.Numeric(38, 18).with_variant(sa.String(64), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nothing has moved yet."""
    op.create_table(
        "budget_movements",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(255), nullable=False),
        sa.Column("from_department", sa.String(255), nullable=False),
        sa.Column("from_period", sa.String(255), nullable=False),
        sa.Column("to_department", sa.String(255), nullable=False),
        sa.Column("to_period", sa.String(255), nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("currency", sa.String(255), nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["from_department", "from_period"],
            ["budgets.department", "budgets.period"],
            name=op.f("fk_budget_movements_from_department_from_period"),
        ),
        sa.ForeignKeyConstraint(
            ["to_department", "to_period"],
            ["budgets.department", "budgets.period"],
            name=op.f("fk_budget_movements_to_department_to_period"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_movements")),
    )
    op.create_index(op.f("ix_budget_movements_from_period"), "budget_movements", ["from_period"])
    op.create_index(op.f("ix_budget_movements_to_period"), "budget_movements", ["to_period"])
    grant(op.get_bind())
