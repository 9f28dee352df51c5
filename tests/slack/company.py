"""A small company for cards and pages: a shop, its platform, and the people who ask and decide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from twinledger.approvals import Submission, submit
from twinledger.clock import FixedClock
from twinledger.store import Store
from twinledger.store.models import Base, Budget, Department, Meter, Person, Pool, Price, Product
from twinledger.vocabulary.settings import Settings

JULY = datetime(2026, 7, 1, tzinfo=UTC)

WISH = Submission(
    requester="cy",
    department="shop",
    product="vm",
    meter="core-hours",
    quantity=Decimal(24),
    days=10,
    region="eu-west-1",
    justification="Load test before the sale",
    actual=Decimal("300.50"),
)
"""Cy wants 24 core-hours a day for 10 days: 12 USD."""


@dataclass(frozen=True)
class FakeDesk:
    """What approvals need of a deployment."""

    settings: Settings
    store: Store
    clock: FixedClock


def company() -> list[Base]:
    """Ada holds the group's budget, Bob the shop's; Cy asks; Dan is Slack user of two people, Eve of none."""
    return [
        Person(name="ada", title="Ada Lovelace", slack_user="U0ADA", airflow_user="ada", roles=["finance"]),
        Person(name="bob", title="Bob Kahn", slack_user="U0BOB", airflow_user="bob", roles=[]),
        Person(name="cy", title="Cy Twombly", slack_user="U0CY", airflow_user="cy", roles=[]),
        Person(name="dan", title="Dan Flavin", slack_user="U0DAN", airflow_user="dan", roles=[]),
        Person(name="dan-too", title="Dan Flavin", slack_user="U0DAN", airflow_user="dan", roles=[]),
        _department("group", "Group", "ada", None),
        _department("shop", "Shop", "bob", "group"),
        Budget(department="shop", period="2026-10", amount=Decimal(1000), currency="USD"),
        Pool(name="compute", title="", owner="ada", kind="shared", position=1, rules=[], capacity=[], tolerance={}),
        Product(name="vm", title="Virtual machine", description="", owner="ada", pool="compute", state="listed"),
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


def _department(name: str, title: str, holder: str, parent: str | None) -> Department:
    return Department(
        name=name,
        title=title,
        parent=parent,
        cost_centre="4711",
        owner=holder,
        budget_holder=holder,
        channel=f"#{name}",
        tenants=[],
    )


def populate(store: Store) -> None:
    with store.transaction() as session:
        for row in company():
            session.add(row)
            session.flush()


def ask(desk: FakeDesk, number: int = 1, justification: str = WISH.justification) -> str:
    """Cy's wish, submitted under a repeatable id."""
    wish = replace(WISH, justification=justification)
    return submit(desk, wish, identify=lambda prefix: f"{prefix}-{number}")
