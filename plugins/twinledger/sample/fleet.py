"""What the company runs: lines of resources, what they cost, and the rows that they become.

What belongs here: each line's prices, quantities and place in bill and metering; how many rows a
month or day of it has. What does not: how a row is spelt in a vendor's format, which is SQL.

Rates are in the vendor's currency (EUR for Microsoft, else USD) for one unit of the SKU. They have at
most six decimals and quantities at most four, so that every cost is exact at ten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from twinledger.sample import company
from twinledger.vocabulary.money import round_to
from twinledger.vocabulary.periods import Period

Vendor = Literal["aws", "azure", "stratus"]
Kind = Literal["usage", "covered", "negation", "fee", "tax"]

PROVIDERS: dict[Vendor, str] = {"aws": "AWS", "azure": "Microsoft", "stratus": "Stratus Cloud"}
CURRENCIES: dict[Vendor, str] = {"aws": "USD", "azure": "EUR", "stratus": "USD"}

AWS_PAYER = "410200300001"
AWS_KUBERNETES = "410200300011"
AWS_GPU = "410200300012"
AWS_DIRECT = "410200300013"
AZURE_ACCOUNT = "88210045"
AZURE_STORAGE = "5a1d0c52-7c1e-4f0b-9a68-3d2b8e4f1a01"
AZURE_DIRECT = "5a1d0c52-7c1e-4f0b-9a68-3d2b8e4f1a02"
STRATUS_ACCOUNT = "STR-77310"
STRATUS_GPU = "nimbus-gpu"
STRATUS_DIRECT = "nimbus-apps"


@dataclass(frozen=True, slots=True)
class Line:
    """Resources of one kind and one SKU.

    A row covers `hours` of one resource (0: the whole month). Its quantity is `full`, but in
    `partial` of 20 rows it is drawn: up to `span` times `quantum`.
    """

    name: str
    vendor: Vendor
    service: str
    sku: str
    sku_id: str
    region: str
    account: str
    pool: str
    prefix: str
    resources: int
    list_rate: Decimal
    billed_rate: Decimal
    unit: str
    kind: Kind = "usage"
    effective_rate: Decimal | None = None  # None: as billed
    scales: bool = True
    hours: int = 24
    full: Decimal = Decimal(24)
    partial: int = 3
    quantum: Decimal = Decimal("0.001")
    span: int = 24000
    meters: tuple[tuple[str, Decimal], ...] = ()  # of the pool's product
    feed: str = ""  # empty: never metered
    last_month_only: bool = False
    early_rate: Decimal | None = None  # billed before the month was restated
    wrong_rate: Decimal | None = None  # billed on `wrong_days` of the last month
    wrong_days: tuple[int, int] = (0, 0)

    def count(self, scale: Decimal) -> int:
        """How many resources there are at a scale; planted lines stay as they are."""
        return max(1, int(round_to(self.resources * scale, Decimal(1)))) if self.scales else self.resources


def _node(name: str, sku: str, rates: tuple[str, str], resources: int, *, cores: int = 0, gib: int = 0) -> Line:
    return Line(
        name=name,
        vendor="aws",
        service="AmazonEC2",
        sku=sku,
        sku_id="N" + sku.replace(".", "").upper(),
        region="eu-west-1",
        account=AWS_KUBERNETES,
        pool="kubernetes",
        prefix=f"i-{name}-",
        resources=resources,
        list_rate=Decimal(rates[0]),
        billed_rate=Decimal(rates[1]),
        unit="Hrs",
        meters=(("core-hours", Decimal(cores)), ("gib-hours", Decimal(gib))),
        feed="kubernetes",
    )


def _planted(line: Line, **changes: Any) -> Line:  # noqa: ANN401 - `replace` checks names, not types
    """A copy of a line that stays the same at every scale and runs around the clock."""
    return replace(line, scales=False, partial=0, **changes)


_M5 = _node("m5", "m5.xlarge", ("0.1904", "0.1428"), 24, cores=4, gib=16)
_C5 = _node("c5", "c5.4xlarge", ("0.6304", "0.4728"), 20, cores=16, gib=32)
_R5 = _node("r5", "r5.2xlarge", ("0.5120", "0.3840"), 16, cores=8, gib=64)

_PLAN_NODES = 4
_PLAN_RATE = Decimal("0.1190")
_COVERED = _planted(
    _M5,
    name="m5plan",
    prefix="i-m5plan-",
    kind="covered",
    resources=_PLAN_NODES,
    billed_rate=_M5.list_rate,
    effective_rate=_PLAN_RATE,
)
_NEGATION = _planted(
    _COVERED,
    name="m5negation",
    prefix="",
    kind="negation",
    list_rate=Decimal(0),
    billed_rate=-_M5.list_rate,
    effective_rate=Decimal(0),
    meters=(),
    feed="",
)
_FEE = _planted(
    _NEGATION,
    name="m5fee",
    kind="fee",
    service="ComputeSavingsPlans",
    sku="ComputeSP:1yrNoUpfront",
    sku_id="SPCOMPUTE1YR",
    resources=1,
    billed_rate=_PLAN_RATE * _PLAN_NODES,
)
TAX = _planted(
    _NEGATION,
    name="tax",
    kind="tax",
    sku="",
    sku_id="",
    region="",
    unit="",
    resources=1,
    hours=0,
    full=Decimal(1),
    billed_rate=Decimal("1873.46"),
    effective_rate=None,
    last_month_only=True,
)
UNMETERED = _planted(_R5, name="legacy", prefix="i-legacy-batch-", resources=6, feed="", last_month_only=True)
RESTATED = _planted(_C5, name="c5late", prefix="i-c5late-", resources=3, early_rate=_C5.list_rate)


def _cards(name: str, sku: str, rates: tuple[str, str], resources: int, *, meter: str, cards: int) -> Line:
    return _planted(
        _node(name, sku, rates, resources),
        account=AWS_GPU,
        pool="gpu",
        meters=((meter, Decimal(cards)),),
        feed="gpu-events" if meter == "card-hours" else "gpu-small",
    )


P4D = _cards("p4d", "p4d.24xlarge", ("23.60", "18.29"), 3, meter="card-hours", cards=8)
OVERCHARGED = _planted(
    P4D, name="p4dover", prefix="i-p4dover-", resources=1, wrong_rate=Decimal("19.47"), wrong_days=(12, 18)
)
_G5 = _cards("g5", "g5.12xlarge", ("5.04", "4.158"), 4, meter="small-card-hours", cards=4)
_DATABASES = Line(
    name="rds",
    vendor="aws",
    service="AmazonRDS",
    sku="db.r5.large",
    sku_id="DBR5LARGE",
    region="eu-west-1",
    account=AWS_DIRECT,
    pool="direct",
    prefix="arn:aws:rds:eu-west-1:410200300013:db:app-",
    resources=20,
    list_rate=Decimal("0.285"),
    billed_rate=Decimal("0.2223"),
    unit="Hrs",
)
_BLOBS = Line(
    name="blob",
    vendor="azure",
    service="Storage",
    sku="Hot LRS Data Stored",
    sku_id="d23a5753-ff85-4ddf-af28-8cc5cf2d3882",
    region="westeurope",
    account=AZURE_STORAGE,
    pool="object-storage",
    prefix=f"/subscriptions/{AZURE_STORAGE}/resourceGroups/rg-data/providers/Microsoft.Storage/storageAccounts/nimbus",
    resources=30,
    list_rate=Decimal("0.0184"),
    billed_rate=Decimal("0.0156"),
    unit="1 GB/Month",
    partial=20,
    quantum=Decimal("0.0001"),
    span=9_000_000,
    meters=(("gib-months", Decimal(1)),),
    feed="storage",
)
_SQL = Line(
    name="azsql",
    vendor="azure",
    service="SQL Database",
    sku="vCore",
    sku_id="7f1b7a2f-2c14-4f07-8d1c-64b2d8d0a9e3",
    region="westeurope",
    account=AZURE_DIRECT,
    pool="direct",
    prefix=f"/subscriptions/{AZURE_DIRECT}/resourceGroups/rg-apps/providers/Microsoft.Sql/servers/db-",
    resources=10,
    list_rate=Decimal("0.2135"),
    billed_rate=Decimal("0.1793"),
    unit="1 Hour",
)
_STRATUS_CARDS = Line(
    name="sgpu",
    vendor="stratus",
    service="Stratus Accelerated Compute",
    sku="Accelerated 8x A100",
    sku_id="STR-ACC-8A100",
    region="nordic-1",
    account=STRATUS_GPU,
    pool="gpu",
    prefix="srn:stratus:compute:nordic-1:gpu-",
    resources=2,
    list_rate=Decimal("23.60"),
    billed_rate=Decimal("17.70"),
    unit="Hours",
    hours=1,
    full=Decimal(1),
    span=1000,
    meters=(("card-hours", Decimal(8)),),
    feed="gpu",
)
_STRATUS_CACHES = Line(
    name="scache",
    vendor="stratus",
    service="Stratus Cache",
    sku="Cache Node Medium",
    sku_id="STR-CACHE-M",
    region="nordic-1",
    account=STRATUS_DIRECT,
    pool="direct",
    prefix="srn:stratus:cache:nordic-1:cache-",
    resources=10,
    list_rate=Decimal("0.168"),
    billed_rate=Decimal("0.1428"),
    unit="Hours",
)

LINES = (
    _M5,
    _C5,
    _R5,
    _COVERED,
    _NEGATION,
    _FEE,
    RESTATED,
    UNMETERED,
    P4D,
    OVERCHARGED,
    _G5,
    _DATABASES,
    TAX,
    _BLOBS,
    _SQL,
    _STRATUS_CARDS,
    _STRATUS_CACHES,
)
"""Every line, in the order of its rows in a bill."""

CARDS = (_C5, _R5, P4D, _G5, _BLOBS, _STRATUS_CARDS)
"""Lines whose rate is agreed in a contract card, at the rate that is billed everywhere but where planted."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows `first` (inclusive) to `last` (exclusive) of one line in one period."""

    line: Line
    period: Period
    resources: int
    hours: int
    first: int
    last: int
    preliminary: bool = False

    @property
    def rows(self) -> int:
        """How many rows it is."""
        return self.last - self.first


def month(vendor: Vendor, period: Period, scale: Decimal, *, preliminary: bool = False) -> list[Segment]:
    """All rows of a vendor's bill for a period; `preliminary`: as they were before the restatement."""
    found = []
    for line in LINES:
        if line.vendor != vendor or (line.last_month_only and period != company.LAST_PERIOD):
            continue
        hours = line.hours or period.days * 24
        resources = line.count(scale)
        found.append(Segment(line, period, resources, hours, 0, resources * (period.days * 24 // hours), preliminary))
    return found


def span(feed: str, first: date, last: date, scale: Decimal) -> list[Segment]:
    """The rows whose usage a feed reports for some days of one month, both inclusive."""
    period = Period(first.year, first.month)
    found = []
    for line in LINES:
        if line.feed == feed and not (line.last_month_only and period != company.LAST_PERIOD):
            resources = line.count(scale)
            rows = resources * (24 // line.hours)
            found.append(Segment(line, period, resources, line.hours, (first.day - 1) * rows, last.day * rows))
    return found


def card_of(line: Line) -> str:
    """The identity of a line's contract card."""
    return f"{line.vendor.upper()}-2026-{CARDS.index(line) + 1:02d}"


def parts(segments: Sequence[Segment], rows: int) -> Iterator[list[Segment]]:
    """The same rows cut into files of at most so many rows each."""
    part: list[Segment] = []
    room = rows
    for segment in segments:
        first = segment.first
        while first < segment.last:
            last = min(segment.last, first + room)
            part.append(
                Segment(
                    segment.line, segment.period, segment.resources, segment.hours, first, last, segment.preliminary
                )
            )
            room -= last - first
            first = last
            if not room:
                yield part
                part, room = [], rows
    if part:
        yield part
