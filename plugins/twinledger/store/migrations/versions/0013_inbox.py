"""What is acknowledged before it is carried out: interactions keep what was said until they have a result.

Revision: 0013, after 0012.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_LEFT = sa.text("result = ''")


def upgrade() -> None:
    """Interactions from before have their results."""
    op.add_column("interactions", sa.Column("said", sa.JSON(), nullable=True))
    op.create_index("ix_interactions_left", "interactions", ["at"], sqlite_where=_LEFT, postgresql_where=_LEFT)
