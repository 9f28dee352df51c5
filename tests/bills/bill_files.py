"""Small bills, written as vendors write them."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

HEADER = (
    "identity/LineItemId,bill/InvoiceId,bill/PayerAccountId,bill/BillingPeriodStartDate,bill/BillingPeriodEndDate,"
    "lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/ProductCode,"
    "lineItem/UsageType,lineItem/ResourceId,lineItem/UsageAmount,lineItem/CurrencyCode,lineItem/UnblendedRate,"
    "lineItem/UnblendedCost,pricing/publicOnDemandCost,pricing/unit,product/sku,product/instanceType,"
    "resourceTags/user:department"
)


def line(cost: str, **changes: str) -> str:
    """One line of an AWS legacy report: an hour of a virtual machine, changed as asked."""
    values = {
        "id": "line",
        "invoice": "",
        "payer": "111122223333",
        "period_start": "2026-10-01T00:00:00.000Z",
        "period_end": "2026-11-01T00:00:00.000Z",
        "account": "444455556666",
        "type": "Usage",
        "start": "2026-10-02T05:00:00.000Z",
        "end": "2026-10-02T06:00:00.000Z",
        "product": "AmazonEC2",
        "usage_type": "BoxUsage:m5.large",
        "resource": "i-0001",
        "quantity": "1.0",
        "currency": "USD",
        "rate": "0.1",
        "cost": cost,
        "public": "0.2",
        "unit": "Hrs",
        "sku": "SKU1",
        "instance": "m5.large",
        "department": "shop",
    }
    return ",".join((values | changes).values())


def report(lines: Sequence[str]) -> bytes:
    """The CSV of some lines."""
    return ("\n".join([HEADER, *lines]) + "\n").encode()


def write_assembly(
    root: Path,
    parts: Sequence[bytes],
    assembly: str = "a1",
    month: str = "202610",
    next_month: str = "202611",
    modified: datetime | None = None,
    **manifest: object,
) -> Path:
    """Write one assembly with its manifest and the month's; returns the month's folder."""
    folder = root / "report" / f"{month}01-{next_month}01"
    (folder / assembly).mkdir(parents=True, exist_ok=True)
    names = [f"report-{number}.csv.gz" for number in range(1, len(parts) + 1)]
    for name, content in zip(names, parts, strict=True):
        (folder / assembly / name).write_bytes(gzip.compress(content, mtime=0))
    keys = [f"report/{folder.name}/{assembly}/{name}" for name in names]
    described = {
        "assemblyId": assembly,
        "account": "111122223333",
        "billingPeriod": {"start": f"{month}01T000000.000Z", "end": f"{next_month}01T000000.000Z"},
        "reportKeys": keys,
        "compression": "GZIP",
    } | manifest
    for path in (folder / assembly / "report-Manifest.json", folder / "report-Manifest.json"):
        path.write_text(json.dumps(described))
        if modified:
            os.utime(path, (modified.timestamp(), modified.timestamp()))
    return folder


def write_file(root: Path, name: str, content: bytes) -> Path:
    """Write one file below a folder."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def focus_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    """A FOCUS 1.2 CSV with the mandatory columns and InvoiceId."""
    default = {
        "BilledCost": "1.00",
        "BillingAccountId": "acc",
        "BillingCurrency": "EUR",
        "BillingPeriodStart": "2026-10-01T00:00:00Z",
        "BillingPeriodEnd": "2026-11-01T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargePeriodStart": "2026-10-03T00:00:00Z",
        "ChargePeriodEnd": "2026-10-04T00:00:00Z",
        "ContractedCost": "1.00",
        "EffectiveCost": "1.00",
        "ListCost": "2.00",
        "InvoiceId": "",
        "ProviderName": "Acme",
        "ServiceName": "Disk",
        "ServiceCategory": "Storage",
    }
    lines = [",".join(default)] + [",".join((default | dict(row)).values()) for row in rows]
    return ("\n".join(lines) + "\n").encode()
