"""One deployment: the books of a company, made of the adapters that the settings name.

What belongs here: which adapter stands behind each port, and their life. What does not: reading
settings from the environment, which `vocabulary.settings` does, and any rule of the domain.

The command line, the DAGs' tasks and the pages all open their books here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from twinledger.approvals import ensure_signing_key
from twinledger.books import Books
from twinledger.clock import Clock, SystemClock
from twinledger.cloud import open_place
from twinledger.engine.duck import DuckEngine
from twinledger.lake import Lake
from twinledger.quality.gx import GreatExpectationsGate
from twinledger.store import Store
from twinledger.vocabulary.settings import Settings, load_settings


@contextmanager
def open_books(settings: Settings | None = None, clock: Clock | None = None) -> Iterator[Books]:
    """The books of a deployment, closed at the end of the block.

    Without `settings`, those of this process's environment. Nothing is created or upgraded: see `prepare`.
    """
    chosen = settings or load_settings()
    store = Store(chosen.database_url)
    lake = Lake(chosen.database_url, chosen.warehouse, chosen.lake_roots)
    try:
        yield Books(
            settings=chosen,
            store=store,
            lake=lake,
            engine=lambda: DuckEngine(chosen.lake.memory_limit, chosen.lake.threads, chosen.spill),
            gate=GreatExpectationsGate.of(chosen),
            places=open_place,
            clock=clock or SystemClock(),
        )
    finally:
        lake.close()
        store.close()


def prepare(settings: Settings) -> None:
    """Bring the store to its newest schema, create the lake's tables and the key of grants; safe to repeat."""
    settings.home.mkdir(parents=True, exist_ok=True)
    ensure_signing_key(settings)
    store = Store(settings.database_url)
    lake = Lake(settings.database_url, settings.warehouse, settings.lake_roots)
    try:
        store.upgrade()
        lake.ensure()
    finally:
        lake.close()
        store.close()
