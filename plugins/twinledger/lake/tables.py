"""The fact tables: columns, types, partitions and audience.

What belongs here: the shape of every Iceberg table. What does not: how rows come about, which is SQL.

Every instant is a TIMESTAMP in UTC. Money is DECIMAL(38,18), metered quantity DECIMAL(19,9), an
internal price DECIMAL(18,9): a product of the last two has 18 decimals and is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Type = Literal["VARCHAR", "TIMESTAMP", "DATE", "BIGINT", "BOOLEAN", "DECIMAL(38,18)", "DECIMAL(19,9)", "DECIMAL(18,9)"]
Audience = Literal["finance", "everyone"]

TEXT: Type = "VARCHAR"
INSTANT: Type = "TIMESTAMP"
MONEY: Type = "DECIMAL(38,18)"
QUANTITY: Type = "DECIMAL(19,9)"
PRICE: Type = "DECIMAL(18,9)"


def as_timestamp(instant: datetime) -> datetime:
    """An aware instant as a TIMESTAMP: in UTC, without saying so."""
    return instant.astimezone(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `required` ones are never null."""

    name: str
    type: Type
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One fact table; `partition` columns are also what a slice is named by."""

    name: str
    audience: Audience
    columns: tuple[Column, ...]
    partition: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)


def _columns(text: str) -> tuple[Column, ...]:
    """Read `Name TYPE [!]` lines; `!` is required."""
    aliases: dict[str, Type] = {
        "text": TEXT,
        "instant": INSTANT,
        "day": "DATE",
        "money": MONEY,
        "quantity": QUANTITY,
        "price": PRICE,
        "number": "BIGINT",
        "flag": "BOOLEAN",
    }
    parsed = (line.split() for line in text.strip().splitlines())
    return tuple(Column(part[0], aliases[part[1]], required="!" in part) for part in parsed)


# FOCUS 1.2, in the specification's order, then ServiceProviderName and HostProviderName of 1.3.
FOCUS = _columns("""
    AvailabilityZone text
    BilledCost money !
    BillingAccountId text !
    BillingAccountName text
    BillingAccountType text
    BillingCurrency text !
    BillingPeriodEnd instant !
    BillingPeriodStart instant !
    CapacityReservationId text
    CapacityReservationStatus text
    ChargeCategory text !
    ChargeClass text
    ChargeDescription text
    ChargeFrequency text
    ChargePeriodEnd instant !
    ChargePeriodStart instant !
    CommitmentDiscountCategory text
    CommitmentDiscountId text
    CommitmentDiscountName text
    CommitmentDiscountQuantity money
    CommitmentDiscountStatus text
    CommitmentDiscountType text
    CommitmentDiscountUnit text
    ConsumedQuantity money
    ConsumedUnit text
    ContractedCost money !
    ContractedUnitPrice money
    EffectiveCost money !
    InvoiceId text
    InvoiceIssuerName text !
    ListCost money !
    ListUnitPrice money
    PricingCategory text
    PricingCurrency text
    PricingCurrencyContractedUnitPrice money
    PricingCurrencyEffectiveCost money
    PricingCurrencyListUnitPrice money
    PricingQuantity money
    PricingUnit text
    ProviderName text !
    PublisherName text !
    RegionId text
    RegionName text
    ResourceId text
    ResourceName text
    ResourceType text
    ServiceCategory text !
    ServiceName text !
    ServiceSubcategory text
    SkuId text
    SkuMeter text
    SkuPriceDetails text
    SkuPriceId text
    SubAccountId text
    SubAccountName text
    SubAccountType text
    Tags text
    ServiceProviderName text !
    HostProviderName text
""")

EXTERNAL_CHARGES = Table(
    "finance.external_charges",
    "finance",
    FOCUS
    + _columns("""
    x_source text !
    x_period text !
    x_slice text !
    x_delivery text !
    x_row number !
    x_restates text
    """),
    ("x_source", "x_period", "x_slice"),
)
"""One bill line. x_row is its number in the delivery, from 1. A line that says two charges (AWS' fees of commitments:
the purchase, and what of it nobody used) has two rows; the second one's x_row is the line's plus 10^12.

x_slice is the part of a source's billing period that one delivery says: `all`, a day or a file of an
incremental source, or adjustments of a closed period. x_restates is the closed period, delivery and row
that an adjustment corrects, as 2026-09/delivery#17."""

PAID_COLUMNS = frozenset(
    {
        "BilledCost",
        "ContractedCost",
        "ContractedUnitPrice",
        "EffectiveCost",
        "PricingCurrencyContractedUnitPrice",
        "PricingCurrencyEffectiveCost",
    }
)
"""What only finance may know of a charge."""

LISTED_CHARGES = Table(
    EXTERNAL_CHARGES.name,
    "finance",
    tuple(column for column in EXTERNAL_CHARGES.columns if column.name not in PAID_COLUMNS),
    EXTERNAL_CHARGES.partition,
)
"""The same table as models for everyone see it: list prices and quantities. A model that names what was paid fails."""

QUARANTINE = Table(
    "finance.quarantine",
    "finance",
    _columns("""
    source text !
    slice text !
    delivery text !
    row number
    code text !
    reason text !
    content text
    """),
    ("source", "slice"),
)
"""One refused row, with its number, the reason's code and sentence, and the row as JSON."""

USAGE = Table(
    "shared.usage",
    "everyone",
    _columns("""
    feed text !
    day text !
    delivery text !
    row number !
    tenant text !
    product text !
    meter text !
    resource text
    started_at instant !
    ended_at instant !
    quantity quantity !
    period text !
    late flag !
    event text
    """),
    ("feed", "day"),
)
"""One usage record: `quantity` in the meter's unit. `late`: booked in `period`, used in an earlier one.

`event` is what an event feed knows the record by, so that one that comes again is known."""

INTERNAL_CHARGES = Table(
    "shared.internal_charges",
    "everyone",
    _columns("""
    period text !
    department text !
    tenant text !
    pool text !
    product text !
    meter text !
    resource text
    started_at instant !
    quantity quantity !
    unit text !
    price price !
    amount money !
    currency text !
    kind text !
    late flag !
    """),
    ("period",),
)
"""Usage x price in force (kind `usage`), what is missing to a minimum (`minimum`), a direct resource at list
price (`direct`), or a share of a pool's list cost, which has no unit price (`allocated`, price 0)."""

CHARGE_DAYS = Table(
    "finance.charge_days",
    "finance",
    _columns("""
    x_source text !
    x_period text !
    x_slice text !
    currency text !
    day day !
    charges number !
    """),
    EXTERNAL_CHARGES.partition,
)
"""On which days (UTC) a slice's charges start, by billing currency: which rates it needs."""

BILLED_SLICES = Table(
    "finance.billed_slices",
    "finance",
    _columns("""
    x_source text !
    x_period text !
    x_slice text !
    counted_in text !
    provider text !
    issuer text !
    account text !
    sub_account text !
    currency text !
    invoice text !
    line_count number !
    billed_cost money !
    """),
    EXTERNAL_CHARGES.partition,
)
"""What a slice was billed at, in the billing currency. `counted_in`: the period that the vendor bills it in."""

CHARGE_SUMS = Table(
    "finance.charge_sums",
    "finance",
    _columns("""
    x_source text !
    x_period text !
    x_slice text !
    pool text !
    class text !
    resource text !
    service text
    claimed flag !
    product text
    meter text
    charges number !
    foreign_charges number !
    list_cost money !
    effective_cost money !
    booked_cost money !
    capacity_quantity money !
    capacity_amount money !
    """),
    EXTERNAL_CHARGES.partition,
)
"""Sums of a slice's charges that the bridge is made of, in the reporting currency. `claimed`: by a department's tag or
account. `resource` is empty but for capacity and direct charges."""

INTERNAL_SUMS = Table(
    "finance.internal_sums",
    "finance",
    _columns("""
    period text !
    department text !
    pool text !
    product text !
    meter text !
    resource text !
    unit text !
    price price !
    currency text !
    kind text !
    class text !
    records number !
    repriced number !
    quantity money !
    list_amount money !
    amount money !
    """),
    INTERNAL_CHARGES.partition,
)
"""Sums of a period's internal charges: what was charged, and what it comes to at list price."""

AUDITED_CHARGES = Table(
    "finance.audited_charges",
    "finance",
    _columns("""
    x_source text !
    x_period text !
    x_slice text !
    kind text !
    id text !
    verdict text !
    pool text !
    vendor text !
    currency text !
    sku text
    region text
    resource text
    x_delivery text
    x_row number
    started_at instant
    line_count number !
    quantity money !
    billed_amount money !
    agreed_amount money !
    """),
    EXTERNAL_CHARGES.partition,
)
"""What a slice's charges are audited by: kind `line`, a bill line that is not as its contract card agrees or whose
card has tiers; `sum`, the lines of a pool and card that are; `commitment`, what counts for one. Amounts are in the
reporting currency."""

MATCHES = Table(
    "finance.matches",
    "finance",
    _columns("""
    period text !
    pool text !
    component text !
    resource text !
    service text
    list_cost money !
    effective_cost money !
    capacity_amount money !
    metered_amount money !
    amount money !
    currency text !
    charges number !
    records number !
    """),
    ("period",),
)
"""One resource of one pool, seen from both sides: component is idle, unmetered or unbilled."""

BRIDGE = Table(
    "finance.bridge",
    "finance",
    _columns("""
    period text !
    pool text !
    component text !
    amount money !
    currency text !
    rows number !
    """),
    ("period",),
)
"""One component per pool and period; components of a pool add up to its deviation exactly."""

TABLES = {
    table.name: table
    for table in (
        EXTERNAL_CHARGES, QUARANTINE, USAGE, INTERNAL_CHARGES, AUDITED_CHARGES, BILLED_SLICES, CHARGE_DAYS,
        CHARGE_SUMS, INTERNAL_SUMS, MATCHES, BRIDGE,
    )
}  # fmt: skip
