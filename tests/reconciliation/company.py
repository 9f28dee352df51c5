"""Small companies, and their bridge computed in the most obvious way: one row at a time, in Python.

What belongs here: rows, the relations that the models read, and the reference. What does not:
anything of `twinledger.reconciliation`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from tests.reconciliation.reference_matching import Alias, subjects
from twinledger.catalog import Relation
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES, PRICE, QUANTITY, TEXT, Column, Table

PERIOD = "2026-10"
START = datetime(2026, 10, 1)
END = datetime(2026, 11, 1)
ZERO = Decimal(0)


@dataclass(frozen=True)
class Charge:
    """One row of the external ledger."""

    row: int
    service: str = "Compute"
    resource: str | None = None
    sku_meter: str | None = None
    sku: str | None = None
    category: str = "Usage"
    correction: bool = False
    restates: str | None = None
    currency: str = "USD"
    effective: Decimal = ZERO
    listed: Decimal = ZERO
    consumed: Decimal | None = None
    started_at: datetime = START
    team: str = ""
    source: str = "aws"
    priced: Decimal | None = None
    commitment: str | None = None
    used: bool = True
    """Whether the commitment was used for it, or nobody used that part."""

    def record(self, period: str = PERIOD) -> dict[str, Any]:
        month = datetime.fromisoformat(f"{period}-01")
        return {
            "BilledCost": self.effective, "BillingAccountId": "1", "BillingCurrency": self.currency,
            "BillingPeriodStart": month, "BillingPeriodEnd": month + timedelta(days=31),
            "ChargeCategory": self.category, "ChargeClass": "Correction" if self.correction else None,
            "CommitmentDiscountId": self.commitment,
            "CommitmentDiscountStatus": ("Used" if self.used else "Unused") if self.commitment else None,
            "ChargePeriodStart": self.started_at, "ChargePeriodEnd": self.started_at + timedelta(hours=1),
            "ConsumedQuantity": self.consumed, "ContractedCost": self.effective, "EffectiveCost": self.effective,
            "InvoiceIssuerName": "Vendor", "ListCost": self.listed,
            "PricingQuantity": self.priced, "ProviderName": "Vendor", "PublisherName": "Vendor",
            "ResourceId": self.resource, "ServiceCategory": "Any", "ServiceName": self.service, "SkuId": self.sku,
            "SkuMeter": self.sku_meter, "ServiceProviderName": "Vendor",
            "Tags": f'{{"team": "{self.team}"}}' if self.team else None,
            "x_source": self.source, "x_period": period, "x_delivery": "d1", "x_row": self.row,
            "x_restates": self.restates,
        }  # fmt: skip


@dataclass(frozen=True)
class Internal:
    """One row of the internal ledger."""

    pool: str
    amount: Decimal
    resource: str | None = None
    product: str = "vm"
    meter: str = "core"
    department: str = "shop"
    kind: str = "usage"
    late: bool = False
    quantity: Decimal = Decimal(1)
    started_at: datetime = START

    def record(self, period: str = PERIOD) -> dict[str, Any]:
        return {
            "period": period, "department": self.department, "tenant": "t", "pool": self.pool, "product": self.product,
            "meter": self.meter, "resource": self.resource, "started_at": self.started_at,
            "quantity": self.quantity, "unit": "h", "price": Decimal(1), "amount": self.amount, "currency": "USD",
            "kind": self.kind, "late": self.late,
        }  # fmt: skip


@dataclass(frozen=True)
class Price:
    """An internal price from an instant until before another."""

    meter: str
    start: datetime
    end: datetime | None
    amount: Decimal


@dataclass(frozen=True)
class Company:
    """All that a bridge is made of. A charge's pool is that of its team, else that of its service."""

    charges: tuple[Charge, ...] = ()
    internal: tuple[Internal, ...] = ()
    prices: tuple[Price, ...] = ()
    capacity: tuple[tuple[str, str, str, Decimal], ...] = ()
    """(pool, SKU, meter, factor)"""
    period_rate: Decimal = Decimal("1.1")
    day_rates: tuple[Decimal, ...] = field(default=(Decimal("1.1"),) * 62)
    """Of EUR, from 1 September on."""
    listed: Mapping[str, Decimal] = field(default_factory=dict)
    """List prices of meters that are charged in tiers or by agreement."""
    aliases: tuple[Alias, ...] = ()


POOLS = (
    ("team", "shared"), ("cluster", "shared"), ("network", "shared"), ("direct", "direct"), ("spread", "allocated"),
)  # fmt: skip
RULES = (
    ("team", 1, "Tags.team", "red"),
    ("cluster", 2, "ServiceName", "Compute"),
    ("network", 3, "ServiceName", "Network"),
    ("direct", 4, "ServiceName", "Storage"),
    ("spread", 5, "ServiceName", "Support"),
)
BY_SERVICE = {"Compute": "cluster", "Network": "network", "Storage": "direct", "Support": "spread"}


def pool_of(charge: Charge) -> str | None:
    return "team" if charge.team == "red" else BY_SERVICE.get(charge.service)


def values(table: Table, records: Iterable[dict[str, Any]]) -> list[tuple[object, ...]]:
    return [tuple(record.get(name) for name in table.names) for record in records]


def ledgers(company: Company) -> list[Relation]:
    charges = values(EXTERNAL_CHARGES, (charge.record() for charge in company.charges))
    internal = values(INTERNAL_CHARGES, (one.record() for one in company.internal))
    return [
        Relation("external_charges", EXTERNAL_CHARGES.columns, charges),
        Relation("internal_charges", INTERNAL_CHARGES.columns, internal),
    ]


def configuration(company: Company) -> list[Relation]:
    """The relations of the catalog, as `twinledger.catalog.relations` makes them."""
    day = date(2026, 9, 1)
    rates: list[tuple[object, ...]] = [
        ("period", date(2026, 10, 1), "USD", Decimal(1), "x"),
        ("period", date(2026, 10, 1), "EUR", company.period_rate, "x"),
        *(("day", day + timedelta(days=n), "EUR", rate, "x") for n, rate in enumerate(company.day_rates)),
    ]
    return [
        _relation(
            "pools", "pool title owner kind position:BIGINT",
            [(name, name, "o", kind, position) for position, (name, kind) in enumerate(POOLS)],
        ),
        _relation(
            "pool_rules", "pool position:BIGINT rule_no:BIGINT column_name operator value",
            [(pool, position, 1, column, "equals", value) for pool, position, column, value in RULES],
        ),
        _relation(
            "pool_capacity", f"pool sku product meter factor:{QUANTITY}",
            [(pool, sku, "vm", meter, factor) for pool, sku, meter, factor in company.capacity],
        ),
        _relation(
            "prices", f"product meter effective_from:TIMESTAMP effective_to:TIMESTAMP amount:{PRICE} currency",
            [("vm", one.meter, one.start, one.end, one.amount, "USD") for one in company.prices],
        ),
        _relation(
            "terms",
            f"department product meter effective_from:TIMESTAMP effective_to:TIMESTAMP list_price:{PRICE}",
            # A row for each of two tiers: a list price is the same in both.
            [(name, "vm", meter, datetime(2026, 1, 1), None, price)
             for name in ("shop", "data") for meter, price in company.listed.items() for _ in range(2)],
        ),
        _relation(
            "tag_steps", "key step:BIGINT how place name as_written:BOOLEAN",
            [("team", 1, "own", "Tags", "team", True)],
        ),
        _relation("tag_values", "key step:BIGINT written value", []),
        _relation("departments", "department", [("shop",), ("data",)]),
        _relation("rates", "kind day:DATE currency rate:DECIMAL(38,18) origin", rates),
        _relation(
            "contract_cards",
            "id vendor valid_from:DATE valid_to:DATE unit_price:DECIMAL(38,18) currency clause", [],
        ),
        _relation(
            "resource_aliases", "alias pool kind side resource",
            [(one.name, one.pool, "alias" if len(one.billed) == len(one.metered) == 1 else "group", side, identifier)
             for one in company.aliases
             for side, names in (("billed", one.billed), ("metered", one.metered)) for identifier in names],
        ),
        _relation(
            "parameters",
            "period month_start:TIMESTAMP month_end:TIMESTAMP reporting_currency unit_decimals:BIGINT",
            [(PERIOD, START, END, "USD", 2)],
        ),
    ]  # fmt: skip


def _relation(name: str, columns: str, rows: Sequence[tuple[object, ...]]) -> Relation:
    parts = (part.partition(":") for part in columns.split())
    return Relation(name, tuple(Column(one, kind or TEXT) for one, _, kind in parts), list(rows))  # type: ignore[arg-type]  # types as text


# --- the reference ---------------------------------------------------------------------------


def rounded(amount: Decimal, decimals: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def converted(amount: Decimal, currency: str, rate: Decimal) -> Decimal:
    return amount if currency == "USD" else rounded(amount * rate, 18)


def price_at(company: Company, meter: str, instant: datetime) -> Decimal:
    for one in company.prices:
        if one.meter == meter and one.start <= instant and (one.end is None or instant < one.end):
            return one.amount
    return ZERO


def capacity_of(company: Company, charge: Charge, pool: str) -> Decimal | None:
    """What a charge bought, at the internal price; None without a capacity map for its SKU."""
    sku = charge.sku_meter or charge.sku
    mapped = [(meter, factor) for of, name, meter, factor in company.capacity if (of, name) == (pool, sku)]
    if not mapped:
        return None
    return sum(
        (
            rounded((charge.consumed or ZERO) * factor, 9) * price_at(company, meter, charge.started_at)
            for meter, factor in mapped
        ),
        ZERO,
    )


def class_of(company: Company, charge: Charge) -> str:
    """The one class that a charge is in."""
    pool = pool_of(charge)
    if pool is None:
        return "unassigned"
    if charge.restates:
        return "restatement"
    if charge.category != "Usage" or charge.correction:
        return "non_usage"
    if charge.started_at < START:
        return "timing"
    if pool in {"direct", "spread"}:
        return {"direct": "direct", "spread": "allocated"}[pool]
    return "unmapped" if capacity_of(company, charge, pool) is None else "capacity"


@dataclass
class Reference:
    """The bridge as (pool, component) -> amount, and both ledgers by pool."""

    bridge: dict[tuple[str, str], Decimal]
    external: dict[str, Decimal]
    internal: dict[str, Decimal]
    classes: dict[int, str]


def reference(company: Company) -> Reference:
    """Both ledgers row by row, as the definition of the components reads."""
    with localcontext(prec=100):
        return _reference(company)


def _reference(company: Company) -> Reference:
    bridge: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    external: dict[str, Decimal] = defaultdict(Decimal)
    matched = matched_subjects(company)
    metered = {(one.pool, matched(one.pool, one.resource)) for one in company.internal if _is_metered(one)}
    bought: set[tuple[str, str]] = set()
    classes = {}
    for charge in company.charges:
        kind, pool = class_of(company, charge), pool_of(charge) or "unassigned"
        classes[charge.row] = kind
        booked_on = min(charge.started_at, END - timedelta(days=1))
        booked_rate = company.day_rates[(booked_on.date() - date(2026, 9, 1)).days]
        effective = converted(charge.effective, charge.currency, company.period_rate)
        listed = converted(charge.listed, charge.currency, company.period_rate)
        booked = converted(charge.effective, charge.currency, booked_rate)
        external[pool] += booked
        bridge[pool, "currency"] += effective - booked
        if kind in {"unassigned", "restatement", "non_usage", "timing"}:
            bridge[pool, kind] -= effective
        elif kind == "unmapped":
            bridge[pool, "unexplained"] -= effective
        elif kind == "direct":
            bridge[pool, "discount_kept"] += listed - effective
            bridge[pool, "unexplained"] -= listed  # the pass-through charge, below, adds it again
        elif kind == "allocated":
            bridge[pool, "discount_kept"] += listed - effective
            bridge[pool, "unmetered"] -= listed  # what departments are allocated of it, below, adds it again
        else:
            bought.add((pool, matched(pool, charge.resource)))
            capacity = capacity_of(company, charge, pool) or ZERO
            bridge[pool, "discount_kept"] += listed - effective
            bridge[pool, "pricing"] += capacity - listed
            both = bool(charge.resource) and (pool, matched(pool, charge.resource)) in metered
            bridge[pool, "idle" if both else "unmetered"] -= capacity
    internal = _internal(company, bridge, bought)
    return Reference(dict(bridge), dict(external), internal, classes)


def matched_subjects(company: Company) -> Callable[[str, str | None], str]:
    """Under which subject a resource of a pool is matched: its own identifier, or what aliases say."""
    billed = {
        (pool_of(one) or "", one.resource or "") for one in company.charges if class_of(company, one) == "capacity"
    }
    metered = {(one.pool, one.resource or "") for one in company.internal if _is_metered(one)}
    found = subjects(company.aliases, billed, metered)
    return lambda pool, resource: found.get((pool, resource or ""), resource or "")


def _is_metered(one: Internal) -> bool:
    return one.kind == "usage" and not one.late and bool(one.resource)


def _internal(
    company: Company, bridge: dict[tuple[str, str], Decimal], bought: set[tuple[str, str]]
) -> dict[str, Decimal]:
    matched = matched_subjects(company)
    lines: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for one in company.internal:
        lines[one.pool, one.department, one.product, one.meter, one.kind] += one.amount
        bridge[one.pool, "rounding"] -= one.amount
        listed = _at_list_price(company, one)
        bridge[one.pool, "pricing"] += one.amount - listed
        if one.kind == "allocated":
            bridge[one.pool, "unmetered"] += one.amount
        elif one.kind == "direct" or not (one.late or one.resource):
            bridge[one.pool, "unexplained"] += listed
        elif one.late:
            bridge[one.pool, "timing"] += one.amount
        else:
            bridge[one.pool, "idle" if (one.pool, matched(one.pool, one.resource)) in bought else "unbilled"] += listed
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for (pool, *_), amount in lines.items():
        totals[pool] += rounded(amount, 2)
        bridge[pool, "rounding"] += rounded(amount, 2)
    return dict(totals)


def _at_list_price(company: Company, one: Internal) -> Decimal:
    """What a charge comes to at list price; all of a minimum, and nothing of late usage, is beside it."""
    if one.kind == "minimum":
        return ZERO
    if one.kind == "usage" and not one.late and one.meter in company.listed:
        return one.quantity * company.listed[one.meter]
    return one.amount


def aware(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC)
