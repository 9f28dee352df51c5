"""The store: everything that is decided, by people or by rules.

What belongs here: the database's models, migrations and sessions. What does not: facts, which are
in the lake, and rules, which are the domain's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

MIGRATIONS = Path(__file__).parent / "migrations"

_READING = "twinledger_reading"
_UPGRADE_LOCK = 7_746_513_301
"""Any number that nothing else in the database takes as an advisory lock."""


def _on_sqlite_connect(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    # The driver would begin a transaction by itself, and only at the first write.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("busy_timeout=60000", "journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    """Take the write lock at once: a read that turns into a write later could not wait for it."""
    reading = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reading else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


class Store:
    """One database, SQLite or PostgreSQL; every change is one transaction."""

    def __init__(self, url: str) -> None:
        """Open by SQLAlchemy URL; nothing is connected yet."""
        self.url = url
        address = make_url(url)
        if address.get_backend_name() == "sqlite" and address.database:
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        # What a statement was given may be a vendor's figures: errors, which land in logs, do not cite it.
        self.engine: Engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
        options: dict[str, object] = {_READING: True}
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _on_sqlite_connect)
            event.listen(self.engine, "begin", _on_sqlite_begin)
        else:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._readers = sessionmaker(self.engine.execution_options(**options), expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end of the block, or rolls back when it raises.

        On SQLite it holds the one write lock from its beginning: keep it short, and send, wait or
        compute outside of it.
        """
        with self._sessions.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one instant of the database, waits for nobody and cannot write."""
        with self._readers() as session:
            yield session

    def upgrade(self) -> None:
        """Bring the schema to the newest revision; several processes may do so at once."""
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with self.engine.connect() as connection:
            sqlite = connection.dialect.name == "sqlite"
            if sqlite:
                _keep_references(connection, "OFF")  # revisions may rebuild a table that others refer to
            try:
                with connection.begin():
                    if not sqlite:
                        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
                    config.attributes["connection"] = connection
                    command.upgrade(config, "head")
            finally:
                if sqlite:
                    _keep_references(connection, "ON")

    def is_current(self) -> bool:
        """Whether the schema is the newest revision."""
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with self.reading() as session:
            present = MigrationContext.configure(session.connection()).get_current_heads()
        return set(present) == set(ScriptDirectory.from_config(config).get_heads())

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _keep_references(connection: Connection, switch: str) -> None:
    """Switch SQLite's foreign keys, past SQLAlchemy: within a transaction the switch does nothing."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA foreign_keys={switch}")
    cursor.close()
