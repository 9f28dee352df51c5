"""Microsoft Azure: what the company runs there, and its exports.

Four billing accounts: an enrolment with an export of actual cost, one with the actual and the amortised
export, a customer agreement billed in euro and priced in dollars, and one with a FOCUS export.

What belongs here: lines, bills and their folders. What does not: how a row is spelt, which is SQL.
Source of the layouts: reference/vendor_bill_formats.md, section 2.1.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from twinledger.sample.bills import Bill, Delivery, Layout, Part, monthly
from twinledger.sample.fleet import Kind, Line, once, steady
from twinledger.sample.layouts import Text, as_json, write_part, write_text
from twinledger.sample.studio import Studio

ACCOUNT = "88210045"
STORAGE = "5a1d0c52-7c1e-4f0b-9a68-3d2b8e4f1a01"
DIRECT = "5a1d0c52-7c1e-4f0b-9a68-3d2b8e4f1a02"
PAIR = "88210046"
MCA = "NIMB-MCA7-BG7-PGB"
FOCUS = "/providers/microsoft.billing/billingaccounts/8a1f0c77/billingprofiles/nimb-foc2-bg7-pgb"

_ORDERS = "/providers/Microsoft.Capacity/reservationOrders"
_RESERVATION = f"{_ORDERS}/41c7e0b6-7a3f-4d5e-9f10-2b6c1d8e0a11/reservations/9b2f6d1e-0c47-4a83-8e55-7d3a9c6f1b21"
_PLANS = "/providers/Microsoft.BillingBenefits/savingsPlanOrders"
_PLAN = f"{_PLANS}/6f2d8a90-31bc-4e7d-8a44-c5e1b7f90d32/savingsPlans/0e9c4b7a-52d1-4f66-b3a8-1f7d2c8e5b43"

_BLOBS = Line(
    name="blob",
    service="Storage",
    sku="Hot LRS Data Stored",
    sku_id="d23a5753-ff85-4ddf-af28-8cc5cf2d3882",
    region="westeurope",
    account=STORAGE,
    pool="object-storage",
    prefix=f"/subscriptions/{STORAGE}/resourceGroups/rg-data/providers/Microsoft.Storage/storageAccounts/nimbus",
    resources=30,
    list_rate=Decimal("0.0184"),
    billed_rate=Decimal("0.0156"),
    unit="1 GB/Month",
    partial=20,
    quantum=Decimal("0.0001"),
    span=9_000_000,
    meters=(("gib-months", Decimal(1)),),
    feed="storage",
    card="AZURE-2026-05",
)
_SQL = Line(
    name="azsql",
    service="SQL Database",
    sku="vCore",
    sku_id="7f1b7a2f-2c14-4f07-8d1c-64b2d8d0a9e3",
    region="westeurope",
    account=DIRECT,
    pool="direct",
    prefix=f"/subscriptions/{DIRECT}/resourceGroups/rg-apps/providers/Microsoft.Sql/servers/db-",
    resources=10,
    list_rate=Decimal("0.2135"),
    billed_rate=Decimal("0.1793"),
    unit="1 Hour",
)


def _machines(account: str) -> Line:
    """Virtual machines on demand, in one subscription."""
    return Line(
        name="vm",
        service="Virtual Machines",
        sku="D4s v5",
        sku_id="2f1f7c3d-8a0e-5b6a-9c41-7e5d3b2a1f04",
        region="westeurope",
        account=account,
        prefix=f"/subscriptions/{account}/resourceGroups/rg-apps/providers/Microsoft.Compute/virtualMachines/vm-",
        resources=4,
        list_rate=Decimal("0.192"),
        billed_rate=Decimal("0.1632"),
        unit="1 Hour",
    )


def _operations(account: str) -> Line:
    """Storage operations, priced by the ten thousand."""
    return Line(
        name="queue",
        service="Storage",
        sku="Class 2 Operations",
        sku_id="4a2ca774-7dad-4fa3-b080-d08a3c830b61",
        region="westeurope",
        account=account,
        prefix=f"/subscriptions/{account}/resourceGroups/rg-apps/providers/Microsoft.Storage/storageAccounts/queue",
        resources=2,
        list_rate=Decimal("0.004"),
        billed_rate=Decimal("0.0036"),
        unit="10K",
        partial=20,
        span=900_000,
    )


def _reserved(account: str, rate: str) -> Line:
    """Machines that a reservation covers: nothing is billed, `rate` is what an hour of it cost."""
    return steady(
        _machines(account),
        name="reserved",
        kind="covered",
        sku="D8s v5",
        sku_id="8c5e0d4b-3f92-5a17-b6d0-1e9f7a4c2b05",
        prefix=f"/subscriptions/{account}/resourceGroups/rg-apps/providers/Microsoft.Compute/virtualMachines/resvm-",
        resources=3,
        list_rate=Decimal("0.384"),
        billed_rate=Decimal(0),
        effective_rate=Decimal(rate),
        commitment=_RESERVATION,
    )


def _instalment(account: str, service: str, **changes: Any) -> Line:  # noqa: ANN401 - `replace` checks names, not types
    """What a month of the four reserved machines is billed; it is not of any resource."""
    return once(
        _reserved(account, "0"),
        **{
            "name": "instalment",
            "kind": "fee",
            "service": service,
            "sku": "Reserved VM Instance, Standard_D8s_v5, EU West, 1 Year",
            "sku_id": "7d0b6b18-0ac8-4f5c-a1a5-9e3d1c7b2f06",
            "region": "",
            "prefix": "",
            "full": Decimal(4),
            "list_rate": Decimal("168.192"),
            "billed_rate": Decimal("168.192"),
            "unit": "1",
            **changes,
        },
    )


def _other(account: str, name: str, kind: Kind, service: str, rate: str) -> Line:
    """One row a month that no commitment and no resource is behind."""
    return once(
        _machines(account),
        name=name,
        kind=kind,
        service=service,
        sku=f"{service} - {name}",
        sku_id=f"nimbus-{name}",
        region="",
        prefix="",
        list_rate=Decimal(rate),
        billed_rate=Decimal(rate),
        unit="1",
    )


def _pair() -> tuple[Line, ...]:
    account = "c0a80146-2b1d-4c3e-8f5a-6d7e9b0c1a03"
    reserved = _reserved(account, "0.2304")
    planned = steady(
        reserved, name="planned", sku="E4s v5", sku_id="5b9d1e7c-6a04-5c38-a2f7-0d8c4e6b3a07", resources=2,
        prefix=f"/subscriptions/{account}/resourceGroups/rg-apps/providers/Microsoft.Compute/virtualMachines/spvm-",
        list_rate=Decimal("0.252"), effective_rate=Decimal("0.1814"), commitment=_PLAN,
    )  # fmt: skip
    only_amortised: dict[str, Any] = {"kind": "unused", "prefix": "", "resources": 1, "list_rate": Decimal(0)}
    return (
        _machines(account),
        _operations(account),
        reserved,
        planned,
        steady(reserved, name="reserved-unused", datasets=("amortized",), **only_amortised),
        steady(
            planned, name="planned-unused", datasets=("amortized",), full=Decimal("2.5"), **only_amortised
        ),
        _instalment(account, "Virtual Machines", effective_rate=Decimal(0), datasets=("actual",)),
        _instalment(
            account, "Savings Plans", name="plan", sku="Compute Savings Plan, 1 Year", commitment=_PLAN,
            sku_id="e1a7c9d3-4b20-4d86-9f31-5c8b2e6d0a08", full=Decimal(1), list_rate=Decimal(365),
            billed_rate=Decimal(365), effective_rate=Decimal(0), datasets=("actual",),
        ),
        _other(account, "ubuntu-pro", "purchase", "Canonical", "74.40"),
        _other(account, "refund", "refund", "Virtual Machines", "-12.48"),
    )  # fmt: skip


def _mca() -> tuple[Line, ...]:
    account = "d1b90257-3c2e-4d4f-9a6b-7e8f0c1d2b04"
    return (
        _machines(account),
        _operations(account),
        _reserved(account, "0"),
        _instalment(account, "Reserved VM Instance", effective_rate=None),
        _other(account, "refund", "refund", "Virtual Machines", "-7.36"),
        _other(account, "credit", "credit", "Azure Credit", "-40"),
        _other(account, "rounding", "adjustment", "Rounding Adjustment", "0.004"),
    )


def _focus() -> tuple[Line, ...]:
    account = "e2ca1368-4d3f-4e50-8b7c-8f901d2e3c05"
    reserved = _reserved(account, "0.2304")
    unused = {"kind": "unused", "prefix": "", "resources": 1, "list_rate": Decimal(0)}
    return (
        _machines(account),
        reserved,
        steady(reserved, name="reserved-unused", **unused),
        # Microsoft says no list price for what others sell: the ledger takes what was charged.
        steady(
            _machines(account), name="market", service="Confluent Cloud", sku="Confluent units",
            sku_id="nimbus-confluent", resources=1, list_rate=Decimal("0.11"), billed_rate=Decimal("0.11"),
            prefix=f"/subscriptions/{account}/resourceGroups/rg-apps/providers/Microsoft.Confluent/organizations/org-",
        ),
        _instalment(account, "Reserved VM Instance", effective_rate=Decimal(0)),
        _other(account, "refund", "refund", "Virtual Machines", "-9.6"),
        _other(account, "support", "purchase", "Azure Support", "100"),
    )  # fmt: skip


# --- path/export/20261001-20261031/202611050600/guid/part_0_0001.csv -----------------------------

_TYPES = {"actual": "ActualCost", "amortized": "AmortizedCost", "mca": "ActualCost", "focus": "FocusCost"}
_VERSIONS = {"mca": "2023-12-01-preview", "focus": "1.2"}


def _export(bill: Bill, dataset: str) -> str:
    """What an export of a bill is called: by its dataset, or by its format."""
    return dataset or {"azure_mca": "mca", "azure_focus": "focus"}.get(bill.format, "actual")


def _folder(delivery: Delivery, dataset: str) -> str:
    last = delivery.period.end() - timedelta(days=1)
    run = hashlib.sha256(f"{delivery.bill.name}{dataset} {delivery.period}".encode()).hexdigest()
    guid = f"{run[:8]}-{run[8:12]}-4{run[13:16]}-a{run[17:20]}-{run[20:32]}"
    return (
        f"exports/nimbus-{_export(delivery.bill, dataset)}/{delivery.period.start():%Y%m%d}-{last:%Y%m%d}"
        f"/{delivery.delivered_at:%Y%m%d%H%M}/{guid}"
    )


def _keys(delivery: Delivery, dataset: str) -> dict[str, Part]:
    """The files of one dataset of a delivery."""
    suffix = "parquet" if delivery.bill.format == "azure_focus" else "csv"
    parts = [part for part in delivery.parts if part.dataset == dataset]
    folder = _folder(delivery, dataset)
    return {f"{folder}/part_0_{number:04d}.{suffix}": part for number, part in enumerate(parts, start=1)}


def _part(studio: Studio, root: Path, delivery: Delivery, number: int) -> Path:
    wanted = delivery.parts[number - 1]
    key = next(key for key, part in _keys(delivery, wanted.dataset).items() if part is wanted)
    write_part(studio, delivery, wanted, root / key, Text("utf-8-sig", "\r\n"))
    return root / key


def _manifest(studio: Studio, folder: Path, delivery: Delivery) -> None:
    del studio
    for dataset in delivery.bill.datasets:
        _write_manifest(folder, delivery, dataset)


def _write_manifest(folder: Path, delivery: Delivery, dataset: str) -> None:
    keys = _keys(delivery, dataset)
    export = _export(delivery.bill, dataset)
    document = {
        "manifestVersion": "2024-04-01",
        "byteCount": sum((folder / key).stat().st_size for key in keys),
        "blobCount": len(keys),
        "dataRowCount": sum(part.rows for part in keys.values()),
        "exportConfig": {
            "exportName": f"nimbus-{export}",
            "dataVersion": _VERSIONS.get(export, "2023-05-01"),
            "type": _TYPES[export],
            "timeFrame": "TheLastMonth",
            "granularity": "Daily",
        },
        "deliveryConfig": {
            "partitionData": True,
            "dataOverwriteBehavior": "CreateNewReport",
            "fileFormat": "Parquet" if export == "focus" else "Csv",
            "compressionMode": "Snappy" if export == "focus" else "None",
            "rootFolderPath": "exports",
        },
        "runInfo": {
            "executionType": "Scheduled",
            "submittedTime": delivery.delivered_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "startDate": delivery.period.start().strftime("%Y-%m-%dT00:00:00"),
            "endDate": (delivery.period.end() - timedelta(days=1)).strftime("%Y-%m-%dT00:00:00"),
        },
        "blobs": [
            {"blobName": key, "byteCount": (folder / key).stat().st_size, "dataRowCount": part.rows}
            for key, part in keys.items()
        ],
    }
    target = folder / _folder(delivery, dataset) / "manifest.json"
    write_text(target, as_json(document), delivery.delivered_at)


def _bill(name: str, account: str, currency: str, lines: tuple[Line, ...], **more: Any) -> Bill:  # noqa: ANN401 - `Bill` checks names, not types
    """One more billing account; its format, model and view are called alike."""
    return Bill(
        name=name,
        provider="Microsoft",
        format=name,
        account=account,
        currency=currency,
        model=name,
        view=f"{name}_export",
        lines=lines,
        plan=monthly(),
        layout=Layout(_part, _manifest),
        **more,
    )


_PAIR_FOLDERS = {"actual": "exports/nimbus-actual", "amortized": "exports/nimbus-amortized"}

BILLS = (
    Bill(
        name="azure",
        provider="Microsoft",
        format="azure_ea",
        account=ACCOUNT,
        currency="EUR",
        model="azure",
        view="azure_export",
        lines=(_BLOBS, _SQL),
        plan=monthly(),
        layout=Layout(_part, _manifest),
        last_months=None,
        first_number=13,
    ),
    _bill(
        "azure_amortised",
        PAIR,
        "USD",
        _pair(),
        datasets=("actual", "amortized"),
        options={"datasets": _PAIR_FOLDERS},
    ),
    _bill("azure_mca", MCA, "EUR", _mca()),
    _bill("azure_focus", FOCUS, "USD", _focus()),
)
