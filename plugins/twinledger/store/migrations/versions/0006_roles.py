"""PostgreSQL roles by audience.

Revision: 0006, after 0005. Nothing happens on SQLite, nor where the migrating login may not create roles:
`twinledger shield grants` prints what an administrator runs then. A later revision that adds a table
calls `grant` again at its end; which table is for whom stands in `twinledger.store.roles`.
"""

from __future__ import annotations

from alembic import op

from twinledger.store.roles import grant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Group roles, their grants, and views for everyone."""
    grant(op.get_bind())
