"""AWS: what the company runs there, its two Cost and Usage Reports, and AWS' FOCUS export.

What belongs here: lines, bills and their folders. What does not: how a row is spelt, which is SQL.
Source of the layouts: reference/vendor_bill_formats.md, section 1.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from twinledger.sample.bills import Bill, Delivery, Layout, monthly
from twinledger.sample.fleet import Kind, Line, once, steady
from twinledger.sample.layouts import as_json, write_part, write_text
from twinledger.sample.studio import Studio

LEGACY = "aws"
"""The bill that most of what is planted is in."""

PAYER = "410200300001"
KUBERNETES = "410200300011"
GPU = "410200300012"
DIRECT = "410200300013"


def _node(
    name: str, sku: str, rates: tuple[str, str], resources: int, *, cores: int = 0, gib: int = 0, card: str = ""
) -> Line:
    return Line(
        name=name,
        service="AmazonEC2",
        sku=sku,
        sku_id="N" + sku.replace(".", "").upper(),
        region="eu-west-1",
        account=KUBERNETES,
        pool="kubernetes",
        prefix=f"i-{name}-",
        resources=resources,
        list_rate=Decimal(rates[0]),
        billed_rate=Decimal(rates[1]),
        unit="Hrs",
        meters=(("core-hours", Decimal(cores)), ("gib-hours", Decimal(gib))),
        feed="kubernetes",
        card=card,
    )


_M5 = _node("m5", "m5.xlarge", ("0.1904", "0.1428"), 24, cores=4, gib=16)
_C5 = _node("c5", "c5.4xlarge", ("0.6304", "0.4728"), 20, cores=16, gib=32, card="AWS-2026-01")
_R5 = _node("r5", "r5.2xlarge", ("0.5120", "0.3840"), 16, cores=8, gib=64, card="AWS-2026-02")

_PLAN_NODES = 4
_PLAN_RATE = Decimal("0.1190")
_COVERED = steady(
    _M5,
    name="m5plan",
    prefix="i-m5plan-",
    kind="covered",
    resources=_PLAN_NODES,
    billed_rate=_M5.list_rate,
    effective_rate=_PLAN_RATE,
)
_NEGATION = steady(
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
_FEE = steady(
    _NEGATION,
    name="m5fee",
    kind="fee",
    service="ComputeSavingsPlans",
    sku="ComputeSP:1yrNoUpfront",
    sku_id="SPCOMPUTE1YR",
    resources=1,
    billed_rate=_PLAN_RATE * _PLAN_NODES,
)
TAX = steady(
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
UNMETERED = steady(_R5, name="legacy", prefix="i-legacy-batch-", resources=6, feed="", last_month_only=True)
RESTATED = steady(_C5, name="c5late", prefix="i-c5late-", resources=3, early_rate=_C5.list_rate)


def _cards(name: str, sku: str, rates: tuple[str, str], resources: int, *, meter: str, cards: int, card: str) -> Line:
    return steady(
        _node(name, sku, rates, resources),
        account=GPU,
        pool="gpu",
        meters=((meter, Decimal(cards)),),
        feed="gpu-events" if meter == "card-hours" else "gpu-small",
        card=card,
    )


P4D = _cards("p4d", "p4d.24xlarge", ("23.60", "18.29"), 3, meter="card-hours", cards=8, card="AWS-2026-03")
OVERCHARGED = steady(
    P4D, name="p4dover", prefix="i-p4dover-", resources=1, wrong_rate=Decimal("19.47"), wrong_days=(12, 18)
)
_G5 = _cards("g5", "g5.12xlarge", ("5.04", "4.158"), 4, meter="small-card-hours", cards=4, card="AWS-2026-04")
_DATABASES = Line(
    name="rds",
    service="AmazonRDS",
    sku="db.r5.large",
    sku_id="DBR5LARGE",
    region="eu-west-1",
    account=DIRECT,
    pool="direct",
    prefix="arn:aws:rds:eu-west-1:410200300013:db:app-",
    resources=20,
    list_rate=Decimal("0.285"),
    billed_rate=Decimal("0.2223"),
    unit="Hrs",
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
)
"""The legacy report's lines, in the order of its rows."""


# --- prefix/report/20261001-20261101/assembly/report-1.csv.gz ------------------------------------

_MONTH = "cur/nimbus-daily/{start:%Y%m%d}-{end:%Y%m%d}"


def _month(delivery: Delivery) -> str:
    return _MONTH.format(start=delivery.period.start(), end=delivery.period.end())


def _key(delivery: Delivery, number: int) -> str:
    return f"{_month(delivery)}/{delivery.stamp}/nimbus-daily-{number}.csv.gz"


def _part(studio: Studio, folder: Path, delivery: Delivery, number: int) -> Path:
    path = folder / _key(delivery, number)
    write_part(studio, delivery, delivery.parts[number - 1], path)
    return path


def _manifest(studio: Studio, folder: Path, delivery: Delivery) -> None:
    names = (column.split("/", 1) for column in studio.columns(delivery.bill.model, delivery.bill.view))
    document = as_json(
        {
            "assemblyId": delivery.stamp,
            "account": delivery.bill.account,
            "columns": [{"category": category, "name": name} for category, name in names],
            "charset": "UTF-8",
            "compression": "GZIP",
            "contentType": "text/csv",
            "reportId": hashlib.sha256(b"nimbus-daily").hexdigest(),
            "reportName": "nimbus-daily",
            "billingPeriod": {
                "start": delivery.period.start().strftime("%Y%m%dT%H%M%S.000Z"),
                "end": delivery.period.end().strftime("%Y%m%dT%H%M%S.000Z"),
            },
            "bucket": "nimbus-billing",
            "reportKeys": [_key(delivery, number) for number in range(1, len(delivery.parts) + 1)],
        }
    )
    month = folder / _month(delivery)
    write_text(month / delivery.stamp / "nimbus-daily-Manifest.json", document, delivery.delivered_at)
    if not delivery.preliminary:
        write_text(month / "nimbus-daily-Manifest.json", document, delivery.delivered_at)


# --- Cost and Usage Report 2.0 -----------------------------------------------------------------

CUR2_PAYER = "410200300100"
CUR2_OWNER = "410200300111"
_GROUP_PLAN = "arn:aws:savingsplans::410200300111:savingsplan/2b0d7b3d-9bdd-4bad-3b7d-2b0d7b3dcb6d"
_RESERVED = "arn:aws:ec2:eu-central-1:410200300111:reserved-instances/f127bd27-edb7-44c9-a0eb-0d7e09259af0"
_RESERVED_IDLE = "arn:aws:ec2:eu-central-1:410200300111:reserved-instances/0b9c1f7a-2c33-4b8e-8f6f-4a1d1e7c9d02"

_M6I = Line(
    name="m6i",
    service="AmazonEC2",
    sku="m6i.large",
    sku_id="NM6ILARGE",
    region="eu-central-1",
    account=CUR2_OWNER,
    prefix="i-m6i-",
    resources=3,
    list_rate=Decimal("0.1150"),
    billed_rate=Decimal("0.1035"),
    unit="Hrs",
)
_BUCKETS = replace(
    _M6I, name="s3", service="AmazonS3", sku="EUC1-TimedStorage-ByteHrs", sku_id="NS3STANDARD",
    prefix="nimbus-lake-", resources=2, list_rate=Decimal("0.0245"), billed_rate=Decimal("0.0220"), unit="GB-Mo",
)  # fmt: skip
_PLANNED = steady(
    _M6I, name="m6iplan", kind="covered", prefix="i-m6iplan-", resources=2, billed_rate=_M6I.list_rate,
    effective_rate=Decimal("0.0760"), commitment=_GROUP_PLAN,
)  # fmt: skip
_PLAN_NEGATION = steady(
    _PLANNED, name="m6inegation", kind="negation", prefix="", list_rate=Decimal(0), billed_rate=-_M6I.list_rate,
    effective_rate=Decimal(0),
)  # fmt: skip
_GROUP_FEE = steady(
    _PLAN_NEGATION, name="m6ifee", kind="fee", service="ComputeSavingsPlans", sku="ComputeSP:1yrNoUpfront",
    sku_id="NSPCOMPUTE1YR", resources=1, list_rate=Decimal("0.1520"), billed_rate=Decimal("0.1520"),
)  # fmt: skip
_RESERVED_USE = steady(
    _M6I, name="m6ires", kind="covered", sku="m6i.xlarge", sku_id="NM6IXLARGE", prefix="i-m6ires-", resources=2,
    list_rate=Decimal("0.2300"), billed_rate=Decimal(0), effective_rate=Decimal("0.1380"), commitment=_RESERVED,
    last_month_only=True,
)  # fmt: skip
_RESERVED_FEE = steady(
    _RESERVED_USE, name="m6irifee", kind="fee", prefix="", resources=1, list_rate=Decimal("0.1380"),
    billed_rate=Decimal("0.1380"), effective_rate=Decimal(0),
)  # fmt: skip
_RESERVED_BUY = once(
    _RESERVED_FEE, name="m6ibuy", kind="purchase", list_rate=Decimal("1208.88"), billed_rate=Decimal("1208.88"),
)  # fmt: skip
_RESERVED_REST = once(
    _RESERVED_FEE, name="m6iidle", kind="unused", list_rate=Decimal(0), billed_rate=Decimal(0),
    effective_rate=Decimal("61.32"), commitment=_RESERVED_IDLE, last_month_only=False,
)  # fmt: skip
_PODS = steady(
    _M6I, name="pods", prefix="arn:aws:eks:eu-central-1:410200300111:pod/nimbus/web-", resources=2,
    list_rate=Decimal(0), billed_rate=Decimal(0), aside=True,
)  # fmt: skip


def _settled(line: Line, name: str, kind: Kind, rate: str, **changes: Any) -> Line:  # noqa: ANN401 - as `replace`
    """A row a month that is an amount and nothing else."""
    amount = Decimal(rate)
    return once(
        line, name=name, kind=kind, prefix="", list_rate=amount, billed_rate=amount, effective_rate=None, commitment="",
        **changes,
    )  # fmt: skip


_CUR2_LINES = (
    _M6I, _BUCKETS, _PLANNED, _PLAN_NEGATION, _GROUP_FEE, _RESERVED_USE, _RESERVED_FEE, _RESERVED_BUY, _RESERVED_REST,
    _PODS, _settled(_M6I, "m6irefund", "refund", "-18.63"), _settled(_M6I, "credit", "credit", "-120"),
    _settled(_M6I, "vat", "tax", "73.21"),
)  # fmt: skip

# --- FOCUS 1.2 ---------------------------------------------------------------------------------

FOCUS_PAYER = "410200300200"
FOCUS_OWNER = "410200300211"
_VENTURES_PLAN = "arn:aws:savingsplans::410200300211:savingsplan/9c1d2e3f-0a1b-4c2d-8e3f-5a6b7c8d9e0f"
_T4G = replace(
    _M6I, name="t4g", service="Amazon Elastic Compute Cloud", sku="t4g.medium", sku_id="FT4GMEDIUM",
    region="eu-north-1", account=FOCUS_OWNER, prefix="i-t4g-", resources=4, list_rate=Decimal("0.0344"),
    billed_rate=Decimal("0.0309"), unit="Hours",
)  # fmt: skip
_FUNCTIONS = replace(
    _T4G, name="lambda", service="AWS Lambda", sku="Lambda-GB-Second", sku_id="FLAMBDAGBS",
    prefix="arn:aws:lambda:eu-north-1:410200300211:function:f-", resources=3, list_rate=Decimal("0.000016"),
    billed_rate=Decimal("0.000016"), unit="GB-Seconds", partial=20, span=9_000_000,
)  # fmt: skip
_T4G_PLANNED = steady(
    _T4G, name="t4gplan", kind="covered", prefix="i-t4gplan-", resources=3, billed_rate=Decimal(0),
    effective_rate=Decimal("0.0241"), commitment=_VENTURES_PLAN,
)  # fmt: skip
_T4G_REST = steady(
    _T4G_PLANNED, name="t4gidle", kind="unused", service="Savings Plans for AWS Compute usage",
    sku="ComputeSP:1yrNoUpfront", sku_id="FSPCOMPUTE1YR", prefix="", resources=1, list_rate=Decimal(0),
    effective_rate=Decimal("0.0077"),
)  # fmt: skip
_T4G_FEE = steady(
    _T4G_REST, name="t4gfee", kind="fee", list_rate=Decimal("0.0800"), billed_rate=Decimal("0.0800"),
    effective_rate=Decimal(0),
)  # fmt: skip
_FOCUS_LINES = (
    _T4G, _FUNCTIONS, _T4G_PLANNED, _T4G_REST, _T4G_FEE, _settled(_T4G, "refund", "refund", "-4.12"),
    _settled(_T4G, "credit", "credit", "-25"), _settled(_T4G, "vat", "tax", "31.07"),
)  # fmt: skip


# --- prefix/export/data/BILLING_PERIOD=2026-10/export-00001.snappy.parquet ------------------------


def _data_export(name: str) -> Layout:
    """What Data Exports write for an export: the manifest of a period follows its files, below `metadata`.

    How the manifest calls its entries is not documented; that it lists columns, files and the period is.
    """

    def key(delivery: Delivery, number: int) -> str:
        return f"exports/{name}/data/BILLING_PERIOD={delivery.period}/{name}-{number:05d}.snappy.parquet"

    def part(studio: Studio, folder: Path, delivery: Delivery, number: int) -> Path:
        path = folder / key(delivery, number)
        write_part(studio, delivery, delivery.parts[number - 1], path)
        return path

    def manifest(studio: Studio, folder: Path, delivery: Delivery) -> None:
        document = {
            "exportName": name,
            "columns": [{"name": column} for column in studio.columns(delivery.bill.model, delivery.bill.view)],
            "billingPeriod": {
                "start": f"{delivery.period.start():%Y-%m-%dT%H:%M:%S.000Z}",
                "end": f"{delivery.period.end():%Y-%m-%dT%H:%M:%S.000Z}",
            },
            "dataFiles": [f"s3://nimbus-billing/{key(delivery, n)}" for n in range(1, len(delivery.parts) + 1)],
        }
        metadata = folder / f"exports/{name}/metadata/BILLING_PERIOD={delivery.period}"
        write_text(metadata / f"{name}-Manifest.json", as_json(document), delivery.delivered_at)

    return Layout(part, manifest)


BILLS = (
    Bill(
        name=LEGACY,
        provider="AWS",
        format="aws_cur_legacy",
        account=PAYER,
        currency="USD",
        model="aws",
        view="aws_report",
        lines=LINES,
        plan=monthly(),
        layout=Layout(_part, _manifest),
        last_months=None,
        least_parts=2,
        restates=True,
        first_number=0,
    ),
    Bill(
        name="aws-cur2",
        provider="AWS",
        format="aws_cur_2",
        account=CUR2_PAYER,
        currency="USD",
        model="aws_cur2",
        view="aws_cur2",
        lines=_CUR2_LINES,
        plan=monthly(),
        layout=_data_export("nimbus-group"),
        least_parts=2,
    ),
    Bill(
        name="aws-focus",
        provider="AWS",
        format="aws_focus_1_2",
        account=FOCUS_PAYER,
        currency="USD",
        model="aws_focus",
        view="aws_focus",
        lines=_FOCUS_LINES,
        plan=monthly(),
        layout=_data_export("nimbus-ventures"),
    ),
)
