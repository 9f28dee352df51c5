"""A ledger whose days are known: what tests of anomalies charge.

What belongs here: writing internal charges and bills by day. What does not: what is expected of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from twinledger.books import Books
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES

FIRST = date(2026, 8, 20)
LAST = date(2026, 10, 19)
"""The day before the clock's."""


@dataclass(frozen=True)
class Use:
    """What one resource was charged: at an instant, so much at a price."""

    at: datetime
    amount: Decimal
    resource: str = "i-1"
    department: str = "shop"
    quantity: Decimal = Decimal(10)
    late: bool = False


def steady(days: Mapping[date, str] = {}, usual: str = "100", department: str = "shop") -> list[Use]:
    """The same amount every day, less on weekends, but for the days that are named."""
    found = []
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=number)
        amount = Decimal(days.get(day, usual if day.weekday() < 5 else str(Decimal(usual) * Decimal("0.6"))))
        found.append(
            Use(datetime(day.year, day.month, day.day, tzinfo=UTC), amount, department=department, quantity=amount / 10)
        )
    return found


def charge(books: Books, uses: Iterable[Use]) -> None:
    """Make the internal ledger say this and nothing else, by the months that it is of."""
    by_month: dict[str, list[tuple[object, ...]]] = {}
    for use in uses:
        by_month.setdefault(f"{use.at:%Y-%m}", []).append(
            (f"{use.at:%Y-%m}", use.department, "t", "pool", "vm", "hours", use.resource, use.at, use.quantity, "h",
             Decimal(1), use.amount, "USD", "usage", use.late)
        )  # fmt: skip
    with books.engine() as engine:
        for period, rows in by_month.items():
            engine.view_rows("charges", INTERNAL_CHARGES.columns, rows)
            files = engine.copy("charges", INTERNAL_CHARGES, books.lake.staging(INTERNAL_CHARGES))
            books.lake.replace(INTERNAL_CHARGES, {"period": period}, files, repr(rows))


def bill(books: Books, source: str, costs: Mapping[date, str], **said: object) -> None:
    """Make one source's bills say so much a day of one service, as EffectiveCost."""
    by_month: dict[str, list[tuple[object, ...]]] = {}
    for number, (day, cost) in enumerate(sorted(costs.items())):
        start, first = datetime(day.year, day.month, day.day, tzinfo=UTC), datetime(day.year, day.month, 1, tzinfo=UTC)
        values: dict[str, object] = {
            **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), Decimal(cost)),
            **dict.fromkeys(("ProviderName", "PublisherName", "InvoiceIssuerName", "ServiceProviderName"), "AWS"),
            "BillingAccountId": "1", "SubAccountId": "11", "BillingCurrency": "USD", "BillingPeriodStart": first,
            "BillingPeriodEnd": first + timedelta(days=31), "ChargePeriodStart": start,
            "ChargePeriodEnd": start + timedelta(days=1), "ChargeCategory": "Usage", "ServiceCategory": "Compute",
            "ServiceName": "EC2", "ResourceId": "i-1", "SkuId": "m5", "PricingQuantity": Decimal(24),
            "PricingUnit": "Hrs", "RegionId": "eu-central-1", "x_source": source, "x_period": f"{day:%Y-%m}",
            "x_slice": "all", "x_delivery": "d", "x_row": number, **said,
        }  # fmt: skip
        row = tuple(values.get(name) for name in EXTERNAL_CHARGES.names)
        by_month.setdefault(f"{day:%Y-%m}", []).append(row)
    with books.engine() as engine:
        for period, rows in by_month.items():
            engine.view_rows("charges", EXTERNAL_CHARGES.columns, rows)
            files = engine.copy("charges", EXTERNAL_CHARGES, books.lake.staging(EXTERNAL_CHARGES))
            partition = {"x_source": source, "x_period": period, "x_slice": "all"}
            books.lake.replace(EXTERNAL_CHARGES, partition, files, repr(rows))
