"""A company with a shop and a lab, a price that the lab has its own agreement on, and grants as a test needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from twinledger.clock import FixedClock
from twinledger.store import Store
from twinledger.store.models import (
    Agreement,
    Base,
    Department,
    Grant,
    Meter,
    Person,
    Pool,
    Price,
    Product,
    Request,
)
from twinledger.vocabulary.settings import Settings

JULY = datetime(2026, 7, 1, tzinfo=UTC)
NOW = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class FakeDesk:
    """What plans need of a deployment."""

    settings: Settings
    store: Store
    clock: FixedClock


def write_company(store: Store) -> None:
    """A core-hour is 0.05 USD, and 0.04 USD for the lab."""
    price = {"product": "vm", "meter": "core-hours", "effective_from": JULY, "currency": "USD", "recorded_at": JULY}
    rows = [
        Person(name="ada", title="Ada", slack_user=None, airflow_user=None, roles=[]),
        _department("group", None),
        _department("shop", "group"),
        _department("lab", "group"),
        Pool(name="compute", title="", owner="ada", kind="shared", position=1, rules=[], capacity=[], tolerance={}),
        Product(name="vm", title="VM", description="", owner="ada", pool="compute", state="listed"),
        Meter(product="vm", name="core-hours", title="Core hours", unit="core-hours"),
        Price(**price, amount=Decimal("0.05")),
        Agreement(**price, department="lab", amount=Decimal("0.04")),
    ]
    _write(store, rows)


def write_grant(store: Store, name: str, quantity: int, **values: Any) -> None:  # noqa: ANN401 - a grant's columns
    """A live grant of core-hours to the shop in us-east-1, but for what is said."""
    asked = Request(
        id=f"req-{name}", requester="ada", department="shop", product="vm", meter="core-hours",
        quantity=Decimal(quantity), region="us-east-1", days=30, period="2026-10", amount=Decimal(1), currency="USD",
        justification="x", state="approved", revision=2, approvers=[], created_at=JULY, expires_at=JULY, facts={},
    )  # fmt: skip
    permitted = {
        "department": "shop", "product": "vm", "meter": "core-hours", "region": "us-east-1", "starts_at": JULY,
        "ends_at": NOW + timedelta(days=1),
    }  # fmt: skip
    grant = Grant(id=name, request=asked.id, quantity=Decimal(quantity), **{**permitted, **values})
    _write(store, [asked, grant])


def _department(name: str, parent: str | None) -> Department:
    return Department(
        name=name,
        title=name,
        parent=parent,
        cost_centre="1",
        owner="ada",
        budget_holder="ada",
        channel="#x",
        tenants=[],
    )


def _write(store: Store, rows: Sequence[Base]) -> None:
    with store.transaction() as session:
        for row in rows:
            session.add(row)
            session.flush()
