"""Claims and matches on the command line, over one small bill and its metering."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.bills.bill_files import write_file
from tests.commands import run, said
from twinledger.vocabulary.settings import PREFIX

CONFIG = {
    "sources": """
sources:
  - {name: acme, kind: bill, format: focus_1_2, place: ../bills, options: {settle_seconds: 0}}
  - {name: nodes, kind: usage, format: csv, place: ../usage, slice: day}
""",
    "people": "people: [{name: ada, title: Ada, roles: [finance]}, {name: bob, title: Bob}]",
    "departments": """
departments:
  - {name: shop, title: S, cost_centre: "1", owner: ada, budget_holder: ada, channel: "#s", tenants: [shop]}
""",
    "pools": """
pools:
  - {name: kube, title: K, owner: ada, rules: [{column: ServiceName, equals: [EC2]}],
     capacity: [{sku: m1, meter: kube/hours, factor: "2"}]}
""",
    "catalog": """
products:
  - {name: kube, title: K, description: d, owner: ada, pool: kube, state: listed,
     meters: [{name: hours, title: H, unit: hour, prices: [{from: 2026-01-01T00:00:00Z, amount: "1", currency: USD}]}]}
""",
    "contracts": """
contracts:
  - {id: schedule-2, vendor: Acme, sku: m1, from: 2026-01-01, unit_price: "1.5", currency: USD, clause: section 4}
commitments:
  - {id: promise, vendor: Acme, kind: quantity, unit: hour, amount: "40", per: month, sku: m1, from: 2026-01-01,
     to: 2027-01-01, clause: section 5}
""",
}
BILL = """BilledCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargeCategory,\
ChargePeriodStart,ChargePeriodEnd,ContractedCost,EffectiveCost,ListCost,InvoiceId,ProviderName,ServiceName,ServiceCategory,ResourceId,\
SkuId,PricingQuantity,PricingUnit,ConsumedQuantity,ConsumedUnit,ContractedUnitPrice
48,acc,USD,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,Usage,2026-10-03T00:00:00Z,2026-10-04T00:00:00Z,48,48,60,,Acme,EC2,\
Compute,arn/i-7,m1,24,Hours,24,Hours,2
"""
USAGE = """tenant,product,meter,resource,started_at,ended_at,quantity
shop,kube,hours,i-7,2026-10-03T00:00:00Z,2026-10-04T00:00:00Z,40
"""


@pytest.fixture(scope="module", autouse=True)
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Node i-7, billed as arn/i-7 at 2 an hour where 1.50 was agreed, and metered for 40 of its 48 hours."""
    folder = tmp_path_factory.mktemp("deployment")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        patch.setenv("TWINLEDGER_HOME", str(folder / "home"))
        for name, text in CONFIG.items():
            write_file(folder / "config", f"{name}.yaml", text.encode())
        write_file(folder / "bills", "bill.csv", BILL.encode())
        write_file(folder / "usage", "2026-10-03.csv", USAGE.encode())
        steps = (("store", "upgrade"), ("catalog", "apply", str(folder / "config")), ("ingest",))
        for command in (*steps, ("rate", "2026-10"), ("reconcile", "2026-10")):
            result = run(*command)
            assert result.exit_code == 0, result.output
        yield folder


def test_claims_are_printed_and_written_to_the_file_that_a_vendor_gets(deployment: Path) -> None:
    file = deployment / "claims.xlsx"
    found = said("claims", "2026-10", "--vendor", "Acme", "--xlsx", str(file))
    assert (found["claimed"], found["clauses"][0]["clause"], found["lines"][0]["resource"]) == (
        "12.00", "section 4", "arn/i-7",
    )  # fmt: skip
    (use,) = found["commitments"]
    assert (use["id"], use["used"], use["unused"], use["coverage"]) == ("promise", "24.00", "16.00", "100.00")
    book = load_workbook(io.BytesIO(file.read_bytes()))
    assert [cell.value for cell in book["Clauses"][4]] == [
        "Acme", "schedule-2", "section 4", 1, 24, 48, 36, 12,
    ]  # fmt: skip
    printed = run("claims", "2026-10")
    assert "claims worth 12.00 USD" in printed.stdout
    refused = run("claims", "2026-10", "--vendor", "Other")
    assert (refused.exit_code, "no vendor with a contract named 'Other'" in refused.output) == (2, True)


def test_a_suggestion_is_confirmed_by_finance_and_taken_back(deployment: Path) -> None:
    del deployment
    (suggestion,) = said("match", "suggest", "2026-10")
    pair = (suggestion["pool"], suggestion["billed"], suggestion["metered"])
    assert pair == ("kube", "arn/i-7", "i-7")
    assert "1 suggestions" in run("match", "suggest", "2026-10").stdout
    assert run("match", "confirm", "2026-10", *pair, "--by", "bob").exit_code == 2
    assert run("match", "confirm", "2026-10", *pair, "--by", "ada").exit_code == 0
    (alias,) = said("match", "aliases")
    assert (alias["confirmed_by"], alias["from"]) == ("ada", "2026-10")
    assert run("reconcile", "2026-10").exit_code == 0
    (difference,) = said("match", "show", "2026-10")["differences"]
    assert (difference["side"], difference["quantity"], difference["amount"]) == (
        "quantity_differs", "-8.00", "-8.00",
    )  # fmt: skip
    assert "whose two sides differ" in run("match", "show", "2026-10").stdout
    assert run("match", "withdraw", alias["name"], "2026-10", "--by", "ada").exit_code == 0
    assert said("match", "aliases") == []
