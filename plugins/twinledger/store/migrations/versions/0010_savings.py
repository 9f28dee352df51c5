"""Who has what commitment discounts save on a pool's usage.

Revision: 0010, after 0009.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The usage has them until a policy says otherwise, as it was so far."""
    with op.batch_alter_table("pools") as pools:
        pools.add_column(sa.Column("savings", sa.String(255), nullable=False, server_default="usage"))
