"""Oracle Cloud: what the company runs there, and its bills: the cost report and the FOCUS report.

What belongs here: lines, bills and their folders. What does not: how a row is spelt, which is SQL.

Oracle leaves a file of six hours of rows four times a day. To keep the sample small, only the first two days of the
last month come so; the rest comes in files of some days, which is the same to who adds rows to rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from twinledger.sample import company, fleet
from twinledger.sample.bills import ROWS_A_FILE, Bill, Delivery, Part, Plan, appended
from twinledger.sample.fleet import Line, Segment, once, steady
from twinledger.sample.layouts import named_files
from twinledger.vocabulary.periods import Period

PROVIDER = "Oracle"
TENANCY = "ocid1.tenancy.oc1..aaaaaaaanimbus417001"
SUBSCRIPTION = "20417731"
COMMITMENT = "ocid1.organizationssubscription.oc1.eu-frankfurt-1.nimbus417"
SIX_HOURLY_DAYS = 2

_DATABASES = Line(
    name="adb",
    service="DATABASE",
    sku="Oracle Autonomous Transaction Processing - ECPU",
    sku_id="B95702",
    region="eu-frankfurt-1",
    account="ocid1.compartment.oc1..aaaanimbusorders",
    prefix="ocid1.autonomousdatabase.oc1.eu-frankfurt-1.nimbus",
    resources=2,
    list_rate=Decimal("0.336000"),
    billed_rate=Decimal("0.336000"),
    unit="ECPU Per Hour",
    hours=6,
    full=Decimal(6),
)
_METRICS = Line(
    name="telemetry",
    service="TELEMETRY",
    sku="Monitoring Service - Retrieval",
    sku_id="B90926",
    region="eu-frankfurt-1",
    account="ocid1.compartment.oc1..aaaanimbusorders",
    prefix="oci_compute_infrastructure_health",
    resources=1,
    list_rate=Decimal("0.001162"),
    billed_rate=Decimal("0.001162"),
    unit="Million Datapoints",
    hours=6,
    full=Decimal("0.25"),
    partial=20,
    quantum=Decimal("0.0001"),
    span=2000,
)
_FREE = steady(
    _METRICS,
    name="free",
    sku="Monitoring Service - Ingestion",
    sku_id="B90925",
    list_rate=Decimal(0),
    billed_rate=Decimal(0),
    hours=24,
    aside=True,
)
_CORRECTION = once(
    _DATABASES,
    name="correction",
    kind="refund",
    resources=1,
    list_rate=Decimal("-4.032000"),
    billed_rate=Decimal("-4.032000"),
)

_INSTANCES = Line(
    name="compute",
    service="COMPUTE",
    sku="Standard - E5",
    sku_id="B97384",
    region="eu-frankfurt-1",
    account="ocid1.tenancy.oc1..aaaaaaaanimbus417002",
    prefix="ocid1.instance.oc1.eu-frankfurt-1.nimbus",
    resources=3,
    list_rate=Decimal("0.030000"),
    billed_rate=Decimal("0.024000"),
    unit="OCPU Hours",
)
_USED = steady(
    _INSTANCES,
    name="covered",
    kind="covered",
    prefix="ocid1.instance.oc1.eu-frankfurt-1.annual",
    resources=2,
    billed_rate=Decimal(0),
    effective_rate=Decimal("0.020000"),
    commitment=COMMITMENT,
)
_UNUSED = steady(
    _INSTANCES,
    name="unused",
    kind="unused",
    prefix="ocid1.instance.oc1.eu-frankfurt-1.spare",
    resources=1,
    full=Decimal(4),
    list_rate=Decimal(0),
    billed_rate=Decimal(0),
    effective_rate=Decimal("0.020000"),
    commitment=COMMITMENT,
)
_PURCHASE = once(
    _INSTANCES,
    name="annual",
    kind="purchase",
    sku="Annual Commitment - E5",
    sku_id="B97399",
    prefix="",
    list_rate=Decimal("450.00"),
    billed_rate=Decimal("379.60"),
    effective_rate=Decimal(0),
    commitment=COMMITMENT,
    unit="Years",
    last_month_only=True,
)
_REFUND = once(
    _INSTANCES, name="refund", kind="refund", prefix="", list_rate=Decimal("-6.50"), billed_rate=Decimal("-6.50")
)
_CREDIT = once(
    _INSTANCES, name="credit", kind="credit", prefix="", list_rate=Decimal("-20.00"), billed_rate=Decimal("-20.00")
)
_TAX = once(
    _INSTANCES,
    name="tax",
    kind="tax",
    service="TAX",
    sku="VAT",
    sku_id="TAX",
    prefix="",
    list_rate=Decimal("11.78"),
    billed_rate=Decimal("11.78"),
    unit="",
)


def _quarter(segment: Segment, number: int) -> Segment:
    """The rows of a quarter of a day; a row of a whole month is of the first one."""
    edges = [segment.first + segment.rows * edge // 4 for edge in range(5)]
    if segment.line.hours == 0:
        edges = [segment.first, *[segment.last] * 4]
    return replace(segment, first=edges[number], last=edges[number + 1])


def _six_hourly(delivery: Delivery, number: int) -> Delivery:
    segments = tuple(one for one in (_quarter(segment, number) for segment in delivery.segments) if one.rows)
    at = delivery.delivered_at - timedelta(hours=6 * (3 - number))
    parts = tuple(Part(tuple(part)) for part in fleet.parts(segments, ROWS_A_FILE))
    return replace(delivery, segments=segments, parts=parts, delivered_at=at)


def six_hourly() -> Plan:
    """Files of six hours in the last month's first days, and of some days otherwise."""

    def plan(bill: Bill, period: Period, scale: Decimal) -> Iterator[Delivery]:
        if period != company.LAST_PERIOD:
            yield from appended(2)(bill, period, scale)
            return
        for number in range(1, SIX_HOURLY_DAYS + 1):
            day = company.day_of(period, number)
            whole = bill.deliver(scale, (day, day), period.start() + timedelta(days=number, hours=3), "file")
            yield from (_six_hourly(whole, quarter) for quarter in range(4))
        rest: tuple[date, date] = (
            company.day_of(period, SIX_HOURLY_DAYS + 1),
            period.shift(1).first_day - timedelta(days=1),
        )
        yield bill.deliver(scale, rest, period.end() + timedelta(hours=3), "file")

    return plan


BILLS: tuple[Bill, ...] = (
    Bill(
        name="oracle",
        provider=PROVIDER,
        format="oci_cost",
        account=TENANCY,
        currency="USD",
        model="oci",
        view="oci_cost",
        lines=(_DATABASES, _METRICS, _FREE, _CORRECTION),
        plan=six_hourly(),
        layout=named_files("reports/cost-csv/0001{delivered:%Y%m%d%H}-{part:05d}.csv.gz"),
        slice="file",
    ),
    Bill(
        name="oracle-focus",
        provider=PROVIDER,
        format="oci_focus",
        account=SUBSCRIPTION,
        currency="USD",
        model="oci",
        view="oci_focus",
        lines=(_INSTANCES, _USED, _UNUSED, _PURCHASE, _REFUND, _CREDIT, _TAX),
        plan=appended(2),
        layout=named_files("FOCUS Reports/{delivered:%Y/%m/%d}/0001{delivered:%Y%m%d%H}-{part:05d}.csv.gz"),
        slice="file",
    ),
)
"""Every bill of Oracle Cloud."""
