"""A vendor that nobody has heard of becomes part of the ledger by one folder and one entry, and no Python."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from twinledger.vocabulary.settings import PREFIX, ROOT

RUN = "from twinledger.cli import app; app()"
BILL = """\
Billing Month,Usage Day,Customer No,Project,Item Code,Item,Kind,Qty,Unit,Amount,Curr,label:team
2026-10,2026-10-01,C-100,web,vm-small,Small server,use,24,Hours,0.123456789012345678,USD,core
2026-10,2026-10-02,C-100,web,vm-small,Small server,use,24,Hours,2.000000000000000001,USD,core
2026-10,2026-10-02,C-100,,support,Support,fee,1,Months,99.90,USD,
2026-10,2026-10-31,C-100,,vat,VAT,vat,,,-0.5,USD,
2026-10,2026-10-31,C-100,,note,Thank you,note,,,0,USD,
"""
TOTAL = Decimal("101.523456789012345679")

# FOCUS under names of its own: what it lacks is filled, and no query is written.
GLOBEX = """\
owner: finance
grain: one bill line
purpose: Globex' bill, FOCUS in Globex' words.
extends: focus/focus_1_2
inputs: [bill]
checks: [BilledCost adds up to Globex Cost]
format:
  title: Globex bill
  provider: Globex
  any_of: [Globex Cost]
  columns:
    billed_cost: {names: [Globex Cost], required: true}
    billing_account_id: {names: [Globex Account], required: true}
    billing_period_start: {names: [Month From], required: true}
    billing_period_end: {names: [Month Until], required: true}
    charge_period_start: {names: [From], required: true}
    charge_period_end: {names: [Until], required: true}
    charge_category: {names: [Type], required: true}
    provider_name: {names: [Seller], required: true}
    service_name: {names: [Product], required: true}
    service_category: {names: [Group], required: true}
"""
GLOBEX_BILL = """\
Globex Cost,BillingCurrency,Globex Account,Month From,Month Until,From,Until,Type,Seller,Product,Group
7.000000000000000001,USD,G-1,2026-10-01,2026-11-01,2026-10-04,2026-10-05,Usage,Globex,Beams,Compute
-1.5,USD,G-1,2026-10-01,2026-11-01,2026-10-05,2026-10-06,Credit,Globex,Beams,Compute
"""


@dataclass(frozen=True)
class Checkout:
    """A copy of the product, to which a vendor may be added."""

    root: Path

    def run(self, *arguments: str) -> Any:  # noqa: ANN401 - JSON
        """What a command of it says, as JSON; it must succeed."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        own = {
            "PYTHONPATH": str(self.root / "plugins"),
            "TWINLEDGER_HOME": str(self.root / "home"),
            "TWINLEDGER_CONFIG": str(self.root / "config"),
        }
        done = subprocess.run(
            [sys.executable, "-c", RUN, *arguments],
            cwd=self.root, env=inherited | own, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout) if "--json" in arguments else None

    def write(self, name: str, text: str) -> Path:
        """A file below its root."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for folder in ("plugins/twinledger", "sql", "expectations"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return Checkout(tmp_path)


def test_a_vendor_is_one_folder_and_one_entry_as_the_guide_has_it(checkout: Checkout) -> None:
    guide = (ROOT / "docs" / "guides" / "new-vendor.md").read_text(encoding="utf-8")
    model, query, entry = re.findall(r"```(?:yaml|sql)\n(.*?)```", guide, re.DOTALL)
    checkout.write("sql/focus/acme/model.yaml", model)
    checkout.write("sql/focus/acme/query.sql", query)
    bill = checkout.write("bills/acme_C-100_202610.csv", BILL)
    checkout.write("config/sources.yaml", entry.replace("/srv/bills/acme", str(bill.parent)))

    seen = checkout.run("inspect", str(bill), "--json")
    assert (seen["format"], seen["rows_in"], seen["rows_ledger"], seen["rows_quarantined"]) == ("acme", 5, 4, 0)
    assert [Decimal(total["billed_cost"]) for total in seen["totals"]] == [TOTAL]

    checkout.run("store", "upgrade")
    checkout.run("catalog", "apply")
    (outcome,) = checkout.run("ingest", "acme", "--json")
    assert (outcome["state"], outcome["rows_ledger"]) == ("ingested", 4)
    shown = checkout.run("ledger", "show", "acme", "2026-10", "--json")
    assert sum(Decimal(row["billed_cost"]) for row in shown["services"]) == TOTAL
    assert {row["service"] for row in shown["services"]} == {"Acme Servers", "Acme Cloud"}


def test_a_vendor_whose_bill_is_focus_in_other_words_needs_no_query(checkout: Checkout) -> None:
    checkout.write("sql/focus/globex/model.yaml", GLOBEX)

    seen = checkout.run("inspect", str(checkout.write("any name.csv", GLOBEX_BILL)), "--json")

    assert (seen["format"], seen["rows_in"], seen["rows_ledger"], seen["rows_quarantined"]) == ("globex", 2, 2, 0)
    assert [Decimal(total["billed_cost"]) for total in seen["totals"]] == [Decimal("5.500000000000000001")]
