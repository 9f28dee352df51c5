"""The desk of the small company."""

from __future__ import annotations

import pytest

from tests.plans.company import FakeDesk, write_company
from twinledger.clock import FixedClock
from twinledger.store import Store
from twinledger.vocabulary.settings import Settings


@pytest.fixture
def desk(store: Store, clock: FixedClock, settings: Settings) -> FakeDesk:
    """A store with the company in it, on each database in turn."""
    write_company(store)
    return FakeDesk(settings, store, clock)
