"""Pools that are allocated by a driver, the headcount that one may count, and what tags mean.

Revision: 0005, after 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("departments", sa.Column("headcount", sa.Integer(), nullable=True))
    op.add_column("pools", sa.Column("driver", sa.JSON(), nullable=True))
    op.create_table(
        "tag_keys",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("spellings", sa.JSON(), nullable=False),
        sa.Column("inherit", sa.JSON(), nullable=False),
        sa.Column("last_resort", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tag_keys")),
    )
