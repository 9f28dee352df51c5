"""Google Cloud: what the company runs there, and its bills: the detailed export and Google's FOCUS export.

What belongs here: lines, bills and their folders. What does not: how a row is spelt, which is SQL.

Google's bills are rows of a table, exported as they come: every file adds rows, and late ones of a month come
after it has ended. Usage that a commitment covers costs nothing after its credit; what it costs is the
commitment's fee, whose list cost is 0, for that of the usage stands on the usage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from twinledger.sample import fleet
from twinledger.sample.bills import ROWS_A_FILE, Bill, Delivery, Part, Plan, appended
from twinledger.sample.fleet import Line, once, steady
from twinledger.sample.layouts import named_files
from twinledger.vocabulary.periods import Period

PROVIDER = "Google Cloud"
EXPORT_ACCOUNT = "01B417-77310A-C0FFEE"
FOCUS_ACCOUNT = "01B417-77310B-C0FFEE"
CUD = "cud-7f3a-nimbus-n2"

_SERVERS = Line(
    name="gce",
    service="Compute Engine",
    sku="N2 Instance Core running in Frankfurt",
    sku_id="B1C8-4D56-0A7E",
    region="europe-west3",
    account="nimbus-shop",
    prefix="//compute.googleapis.com/projects/417001/zones/europe-west3-a/instances/",
    resources=4,
    list_rate=Decimal("0.040706"),
    billed_rate=Decimal("0.032565"),
    unit="Hours",
)
_BUCKETS = Line(
    name="trial",
    service="Cloud Storage",
    sku="Standard Storage Frankfurt",
    sku_id="E5F0-6A5D-7BAD",
    region="europe-west3",
    account="nimbus-media",
    prefix="//storage.googleapis.com/projects/_/buckets/nimbus-",
    resources=3,
    list_rate=Decimal("0.000767"),
    billed_rate=Decimal("0.000267"),
    unit="GiB-Days",
    partial=20,
    quantum=Decimal("0.01"),
    span=300_000,
)
_COVERED = steady(
    _SERVERS,
    name="covered",
    kind="covered",
    prefix="//compute.googleapis.com/projects/417001/zones/europe-west3-b/instances/",
    resources=2,
    billed_rate=Decimal(0),
    commitment=CUD,
)
_FEE = steady(
    _SERVERS,
    name="fee",
    sku="Commitment v1: N2 Cpu in Frankfurt for 1 Year",
    sku_id="C0D1-77F2-41AB",
    prefix="",
    resources=1,
    list_rate=Decimal(0),
    billed_rate=Decimal("0.061450"),
    commitment=CUD,
)
_LATE = steady(
    _SERVERS,
    name="late",
    prefix="//compute.googleapis.com/projects/417001/zones/europe-west3-c/instances/",
    resources=1,
    hours=0,
    full=Decimal(31),
)
_REFUND = once(
    _SERVERS,
    name="refund",
    kind="refund",
    sku="Adjustment of an earlier month",
    list_rate=Decimal("-41.30"),
    billed_rate=Decimal("-41.30"),
    prefix="",
    unit="",
)
_TAX = once(
    _SERVERS,
    name="tax",
    kind="tax",
    service="Invoice",
    sku="Tax",
    sku_id="T4X0-0000-0001",
    list_rate=Decimal("27.640000"),
    billed_rate=Decimal("27.640000"),
    prefix="",
    unit="",
)

_QUERIES = Line(
    name="bigquery",
    service="BigQuery",
    sku="Analysis (europe-west3)",
    sku_id="3362-E469-6BEF",
    region="europe-west3",
    account="nimbus-reports",
    prefix="projects/nimbus-reports/jobs/dataset-",
    resources=5,
    list_rate=Decimal("6.25"),
    billed_rate=Decimal("5.3125"),
    unit="TiB",
    partial=20,
    quantum=Decimal("0.001"),
    span=9000,
)
_FOCUS_TAX = once(
    _QUERIES,
    name="tax",
    kind="tax",
    service="Invoice",
    sku="Tax",
    sku_id="T4X0-0000-0001",
    list_rate=Decimal("19.20"),
    billed_rate=Decimal("19.20"),
    prefix="",
    unit="",
)
_FOCUS_REFUND = once(
    _QUERIES,
    name="refund",
    kind="refund",
    sku="Adjustment of an earlier month",
    list_rate=Decimal("-12.75"),
    billed_rate=Decimal("-12.75"),
    prefix="",
    unit="",
)


def _only(delivery: Delivery, *, late: bool) -> Delivery:
    """The part of a delivery that is late, or the one that is not."""
    segments = tuple(one for one in delivery.segments if (one.line.name == "late") is late)
    return replace(
        delivery, segments=segments, parts=tuple(Part(tuple(part)) for part in fleet.parts(segments, ROWS_A_FILE))
    )


def appended_and_late(files: int, after: timedelta = timedelta(days=9)) -> Plan:
    """Some files a month, and one more with what was late, left so long after the month's end."""

    def plan(bill: Bill, period: Period, scale: Decimal) -> Iterator[Delivery]:
        days = (period.first_day, period.shift(1).first_day - timedelta(days=1))
        for delivery in appended(files)(bill, period, scale):
            yield _only(delivery, late=False)
        yield _only(bill.deliver(scale, days, period.end() + after, "file"), late=True)

    return plan


BILLS: tuple[Bill, ...] = (
    Bill(
        name="google",
        provider=PROVIDER,
        format="google_detailed",
        account=EXPORT_ACCOUNT,
        currency="USD",
        model="google",
        view="google_export",
        lines=(_SERVERS, _BUCKETS, _COVERED, _FEE, _LATE, _REFUND, _TAX),
        plan=appended_and_late(2),
        layout=named_files("export/exported-{delivered:%Y%m%dT%H%M%SZ}-{part:012d}.parquet"),
        slice="file",
    ),
    Bill(
        name="google-focus",
        provider=PROVIDER,
        format="google_focus",
        account=FOCUS_ACCOUNT,
        currency="USD",
        model="google",
        view="google_focus",
        lines=(_QUERIES, _FOCUS_TAX, _FOCUS_REFUND),
        plan=appended(2),
        layout=named_files("export/exported-{delivered:%Y%m%dT%H%M%SZ}-{part:012d}.csv.gz"),
        slice="file",
    ),
)
"""Every bill of Google Cloud."""
