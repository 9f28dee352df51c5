"""Reads a written sample company back with nothing of the product's: csv, gzip, json, pyarrow, Decimal."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyarrow import parquet

from twinledger.sample import write_sample

Row = dict[str, Any]

READ = ("aws", "azure", "stratus")
"""The bills that are read back here: those in which facts are planted."""


@dataclass(frozen=True)
class Charge:
    """One bill line, whoever wrote it."""

    source: str
    period: str
    delivered: str
    line_type: str
    provider: str
    account: str
    resource: str
    sku: str
    region: str
    service: str
    tenant: str
    day: str
    quantity: Decimal
    billed: Decimal
    effective: Decimal
    listed: Decimal
    rate: Decimal  # 0 where the vendor states none
    list_rate: Decimal
    currency: str


@dataclass(frozen=True)
class Usage:
    """One usage record, whatever feed it is from."""

    tenant: str
    product: str
    meter: str
    resource: str
    day: str
    quantity: Decimal


@dataclass(frozen=True)
class Company:
    """A written sample company, read back."""

    folder: Path
    facts: list[Row]
    expected: dict[str, list[Row]]
    charges: list[Charge]
    usage: list[Usage]

    def fact(self, name: str) -> Row:
        """The only fact of that name."""
        (found,) = [one for one in self.facts if one["fact"] == name]
        return found

    def config(self, name: str) -> Any:  # noqa: ANN401 - YAML
        """One configuration file."""
        return yaml.safe_load((self.folder / "config" / f"{name}.yaml").read_text())

    def final(self) -> list[Charge]:
        """The charges of the newest delivery of each source and period."""
        newest: dict[tuple[str, str], str] = {}
        for charge in self.charges:
            key = (charge.source, charge.period)
            newest[key] = max(newest.get(key, ""), charge.delivered)
        return [one for one in self.charges if one.delivered == newest[one.source, one.period]]


def _number(text: str) -> Decimal:
    return Decimal(text) if text else Decimal(0)


def _aws(root: Path) -> Iterator[Charge]:
    for manifest in sorted(root.rglob("*/*/*/*-Manifest.json")):
        document = json.loads(manifest.read_text())
        if manifest.parent.name != document["assemblyId"]:
            continue
        for key in document["reportKeys"]:
            with gzip.open(root / key, "rt", newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    yield _aws_charge(row, document["assemblyId"])


def _aws_charge(row: dict[str, str], assembly: str) -> Charge:
    kind = row["lineItem/LineItemType"]
    effective = {
        "SavingsPlanCoveredUsage": row["savingsPlan/SavingsPlanEffectiveCost"],
        "SavingsPlanNegation": "0",
        "SavingsPlanRecurringFee": "0",
    }.get(kind, row["lineItem/UnblendedCost"])
    if kind == "SavingsPlanRecurringFee":
        unused = _number(row["savingsPlan/TotalCommitmentToDate"]) - _number(row["savingsPlan/UsedCommitment"])
        effective = str(unused)
    return Charge(
        source="aws",
        period=row["bill/BillingPeriodStartDate"][:7],
        delivered=assembly,
        line_type=kind,
        provider="AWS",
        account=row["lineItem/UsageAccountId"],
        resource=row["lineItem/ResourceId"],
        sku=row["product/instanceType"] or row["lineItem/UsageType"],
        region=row["product/region"],
        service=row["lineItem/ProductCode"],
        tenant=row["resourceTags/user:tenant"],
        day=row["lineItem/UsageStartDate"][:10],
        quantity=_number(row["lineItem/UsageAmount"]),
        billed=_number(row["lineItem/UnblendedCost"]),
        effective=_number(effective),
        listed=_number(row["pricing/publicOnDemandCost"] or row["lineItem/UnblendedCost"]),
        rate=_number(row["lineItem/UnblendedRate"]),
        list_rate=_number(row["pricing/publicOnDemandRate"]),
        currency=row["lineItem/CurrencyCode"],
    )


def _azure(root: Path) -> Iterator[Charge]:
    for path in sorted(root.rglob("*.csv")):
        with path.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                yield _azure_charge(row, path.parts[-3])


def _azure_charge(row: dict[str, str], run: str) -> Charge:
    month, day, year = row["Date"].split("/")
    quantity = Decimal(row["Quantity"])
    return Charge(
        source="azure",
        period=f"{year}-{month}",
        delivered=run,
        line_type=row["ChargeType"],
        provider="Microsoft",
        account=row["SubscriptionId"],
        resource=row["ResourceId"],
        sku=row["MeterName"],
        region=row["ResourceLocation"],
        service=row["MeterCategory"],
        tenant=json.loads("{" + row["Tags"] + "}").get("tenant", ""),
        day=f"{year}-{month}-{day}",
        quantity=quantity,
        billed=Decimal(row["CostInBillingCurrency"]),
        effective=Decimal(row["CostInBillingCurrency"]),
        listed=Decimal(row["PayGPrice"]) * quantity,
        rate=Decimal(row["UnitPrice"]),
        list_rate=Decimal(row["PayGPrice"]),
        currency=row["BillingCurrencyCode"],
    )


def _stratus(root: Path) -> Iterator[Charge]:
    for path in sorted(root.rglob("*.parquet")):
        for row in parquet.read_table(path).to_pylist():
            yield Charge(
                source="stratus",
                period=f"{row['BillingPeriodStart']:%Y-%m}",
                delivered=path.parent.name,
                line_type=row["ChargeCategory"],
                provider=row["ProviderName"],
                account=row["SubAccountId"],
                resource=row["ResourceId"],
                sku=row["SkuMeter"],
                region=row["RegionId"],
                service=row["ServiceName"],
                tenant=json.loads(row["Tags"]).get("tenant", ""),
                day=f"{row['ChargePeriodStart']:%Y-%m-%d}",
                quantity=row["ConsumedQuantity"],
                billed=row["BilledCost"],
                effective=row["EffectiveCost"],
                listed=row["ListCost"],
                rate=row["ContractedUnitPrice"],
                list_rate=row["ListUnitPrice"],
                currency=row["BillingCurrency"],
            )


def _usage_rows(root: Path) -> Iterator[Row]:
    for path in sorted(root.rglob("*.parquet")):
        yield from parquet.read_table(path).to_pylist()
    for path in sorted(root.rglob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)
    for path in sorted(root.rglob("*.jsonl")):
        for text in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(text)
            if "specversion" not in event:
                yield event
                continue
            product, meter = event["type"].split("/")
            yield {"tenant": event["subject"], "product": product, "meter": meter, **event["data"]}


def _usage(root: Path) -> Iterator[Usage]:
    for row in _usage_rows(root):
        day = row["started_at"]
        yield Usage(
            tenant=row["tenant"],
            product=row["product"],
            meter=row["meter"],
            resource=row["resource"],
            day=f"{day:%Y-%m-%d}" if isinstance(day, datetime) else day[:10],
            quantity=Decimal(row["quantity"]),
        )


@pytest.fixture(scope="session")
def nimbus(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Nimbus Retail over two months with the bills that are read back, small, written once."""
    folder = tmp_path_factory.mktemp("nimbus")
    write_sample(folder, seed=7, months=2, scale=0.2, names=READ)
    bills = folder / "bills"
    return Company(
        folder=folder,
        facts=json.loads((folder / "planted.json").read_text()),
        expected=json.loads((folder / "expected.json").read_text()),
        charges=[*_aws(bills / "aws"), *_azure(bills / "azure"), *_stratus(bills / "stratus")],
        usage=list(_usage(folder / "usage")),
    )
