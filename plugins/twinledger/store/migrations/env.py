"""What Alembic runs: the revisions, on the connection that `Store.upgrade` hands over.

The transaction is the caller's: a revision is applied wholly or not at all, on SQLite too.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from twinledger.store.models import Base


def _upgrade(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=True, transactional_ddl=True
    )
    with context.begin_transaction():
        context.run_migrations()


_upgrade(context.config.attributes["connection"])
