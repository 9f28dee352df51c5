"""A small company: a shop and its platform, one product, three people who matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from twinledger.approvals import Submission
from twinledger.clock import FixedClock
from twinledger.store import Store
from twinledger.store.models import Base, Budget, Department, Meter, Person, Pool, Price, Product
from twinledger.vocabulary.settings import Settings

JULY = datetime(2026, 7, 1, tzinfo=UTC)


@dataclass(frozen=True)
class FakeDesk:
    """What approvals need of a deployment."""

    settings: Settings
    store: Store
    clock: FixedClock


def _department(name: str, holder: str, parent: str | None) -> Department:
    return Department(
        name=name,
        title=name,
        parent=parent,
        cost_centre="1",
        owner=holder,
        budget_holder=holder,
        channel=f"#{name}",
        tenants=[],
    )


def _company() -> list[Base]:
    """Ada holds the group's budget, Bob the shop's; Cy works in the shop. A core-hour is 0.05 USD."""
    return [
        Person(name="ada", title="Ada", slack_user="U-ADA", airflow_user="ada", roles=["finance"]),
        Person(name="bob", title="Bob", slack_user="U-BOB", airflow_user="bob", roles=[]),
        Person(name="cy", title="Cy", slack_user="U-CY", airflow_user="cy", roles=[]),
        _department("group", "ada", None),
        _department("shop", "bob", "group"),
        Budget(department="shop", period="2026-10", amount=Decimal(1000), currency="USD"),
        Pool(name="compute", title="", owner="ada", kind="shared", position=1, rules=[], capacity=[], tolerance={}),
        Product(name="vm", title="VM", description="", owner="ada", pool="compute", state="listed"),
        Product(name="old", title="Old", description="", owner="ada", pool="compute", state="retired"),
        Meter(product="vm", name="core-hours", title="Core hours", unit="core-hour"),
        Price(
            product="vm",
            meter="core-hours",
            effective_from=JULY,
            amount=Decimal("0.05"),
            currency="USD",
            recorded_at=JULY,
        ),
    ]


@pytest.fixture
def populate() -> Callable[[Store], None]:
    """Writes the company into an empty store."""

    def write(store: Store) -> None:
        with store.transaction() as session:
            for row in _company():
                session.add(row)
                session.flush()

    return write


@pytest.fixture
def desk(store: Store, clock: FixedClock, settings: Settings, populate: Callable[[Store], None]) -> FakeDesk:
    """The desk of the small company."""
    populate(store)
    return FakeDesk(settings, store, clock)


@pytest.fixture
def wish() -> Submission:
    """Cy wants 24 core-hours a day for 10 days: 12 USD."""
    return Submission(
        requester="cy",
        department="shop",
        product="vm",
        meter="core-hours",
        quantity=Decimal(24),
        days=10,
        region="eu-west-1",
        justification="load test",
        actual=Decimal("300.50"),
    )
