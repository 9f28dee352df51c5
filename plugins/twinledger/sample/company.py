"""Nimbus Retail itself: who works there, what the platform sells, what was agreed with the vendors.

What belongs here: the company's configuration, as plain documents for YAML. What does not: machines
and their bills, which are `fleet`'s, and budgets, which follow from what was spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from twinledger.vocabulary.periods import Period

REPORTING = "USD"
LAST_PERIOD = Period(2026, 10)

PLANNING_RATES = {"EUR": Decimal("1.08"), "CNY": Decimal("0.14")}
"""USD for one unit of a currency that the company plans with: the period rate of every month."""

BOOKED_RATE = Decimal("1.10")
"""USD for one EUR at which the second half of the last month was booked."""

CHANGE_DAY = 16
"""The day of the last month on which a price changed, and from which EUR was booked at another rate."""

CARD_PRICE = Decimal("2.95")
CARD_PRICE_AFTER = Decimal("3.10")
OVER_BUDGET = "data-science"


@dataclass(frozen=True, slots=True)
class Tenant:
    """One consumer of platforms and the department that pays for it."""

    name: str
    department: str
    cost_centre: str


TENANTS = (
    Tenant("shop-web", "storefront", "CC-110"),
    Tenant("shop-mobile", "storefront", "CC-110"),
    Tenant("pay-core", "payments", "CC-120"),
    Tenant("fraud", "payments", "CC-120"),
    Tenant("warehouse", "logistics", "CC-200"),
    Tenant("routing", "logistics", "CC-200"),
    Tenant("lakehouse", "analytics", "CC-310"),
    Tenant("reporting", "analytics", "CC-310"),
    Tenant("training", "data-science", "CC-320"),
    Tenant("inference", "data-science", "CC-320"),
)

PEOPLE = (
    ("alice", "Alice Anand, head of storefront", ("manager",)),
    ("bob", "Bob Brandt, payments lead", ("manager",)),
    ("carol", "Carol Chen, finance controller", ("finance",)),
    ("dave", "Dave Diallo, vendor procurement", ("finance", "procurement")),
    ("erin", "Erin Eriksen, platform lead", ("operator",)),
    ("frank", "Frank Fischer, logistics lead", ("manager",)),
    ("grace", "Grace Gupta, head of data", ("manager",)),
    ("heidi", "Heidi Huang, data science lead", ("manager",)),
    ("ivan", "Ivan Ito, chief technology officer", ("manager",)),
    ("judy", "Judy Jensen, analytics engineer", ()),
)

_DEPARTMENTS = (
    ("nimbus", "Nimbus Retail", None, "CC-001", "ivan", "ivan"),
    ("commerce", "Commerce", "nimbus", "CC-100", "alice", "ivan"),
    ("storefront", "Storefront", "commerce", "CC-110", "alice", "ivan"),
    ("payments", "Payments", "commerce", "CC-120", "bob", "alice"),
    ("logistics", "Logistics", "nimbus", "CC-200", "frank", "ivan"),
    ("data", "Data", "nimbus", "CC-300", "grace", "ivan"),
    ("analytics", "Analytics", "data", "CC-310", "judy", "grace"),
    ("data-science", "Data Science", "data", "CC-320", "heidi", "grace"),
)

PRICES = {
    ("kubernetes", "core-hours"): Decimal("0.0312"),
    ("kubernetes", "gib-hours"): Decimal("0.0041"),
    ("object-storage", "gib-months"): Decimal("0.019872"),
    ("gpu", "card-hours"): CARD_PRICE,
    ("gpu", "small-card-hours"): Decimal("1.26"),
}
"""Internal list prices in USD, in force since before the first month."""

_METERS = {
    ("kubernetes", "core-hours"): ("Cores requested", "core-hour"),
    ("kubernetes", "gib-hours"): ("Memory requested", "GiB-hour"),
    ("object-storage", "gib-months"): ("Data stored", "GiB-month"),
    ("gpu", "card-hours"): ("Large cards", "card-hour"),
    ("gpu", "small-card-hours"): ("Small cards", "card-hour"),
}

_PRODUCTS = (
    ("kubernetes", "Kubernetes", "Namespaces on shared clusters, charged by what is requested."),
    ("object-storage", "Object storage", "Buckets with a lifecycle, charged by what is kept."),
    ("gpu", "GPU cards", "Cards for training and inference, by the hour."),
)


def departments() -> dict[str, object]:
    """The department tree; only departments at its ends have tenants."""
    return {
        "departments": [
            {
                "name": name,
                "title": title,
                **({"parent": parent} if parent else {}),
                "cost_centre": cost_centre,
                "owner": owner,
                "budget_holder": holder,
                "channel": f"#dept-{name}",
                "tenants": [tenant.name for tenant in TENANTS if tenant.department == name],
            }
            for name, title, parent, cost_centre, owner, holder in _DEPARTMENTS
        ]
    }


def people() -> dict[str, object]:
    """Everybody who may ask or decide, with their Slack and Airflow users."""
    return {
        "people": [
            {
                "name": name,
                "title": title,
                "slack_user": f"U0{name.upper()}",
                "airflow_user": name,
                "roles": list(roles),
            }
            for name, title, roles in PEOPLE
        ]
    }


def _prices(meter: tuple[str, str], last: Period) -> list[dict[str, object]]:
    known = [(datetime(2026, 1, 1, tzinfo=UTC), PRICES[meter])]
    if meter == ("gpu", "card-hours"):
        known.append((datetime(last.year, last.month, CHANGE_DAY, tzinfo=UTC), CARD_PRICE_AFTER))
    return [{"from": since, "amount": str(amount), "currency": REPORTING} for since, amount in known]


def catalog(last: Period) -> dict[str, object]:
    """The platform's products; the price of a card changes in the middle of the last month."""
    return {
        "products": [
            {
                "name": product,
                "title": title,
                "description": description,
                "owner": "erin",
                "pool": product,
                "state": "listed",
                "meters": [
                    {"name": meter[1], "title": words[0], "unit": words[1], "prices": _prices(meter, last)}
                    for meter, words in _METERS.items()
                    if meter[0] == product
                ],
            }
            for product, title, description in _PRODUCTS
        ]
    }


def day_of(period: Period, day: int) -> date:
    """One day of a period."""
    return date(period.year, period.month, day)


def period_rate(currency: str) -> Decimal:
    """USD for one unit of a currency, in every month."""
    return Decimal(1) if currency == REPORTING else PLANNING_RATES[currency]


def booked_rate(currency: str, day: date) -> Decimal:
    """USD for one unit of a currency that a charge of a day was booked at."""
    if currency == "EUR" and Period(day.year, day.month) == LAST_PERIOD and day.day >= CHANGE_DAY:
        return BOOKED_RATE
    return period_rate(currency)
