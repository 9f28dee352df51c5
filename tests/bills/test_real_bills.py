"""Real exports that nobody in this project wrote, where they lie beside the checkout."""

from __future__ import annotations

import ast
import csv
import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tests.bills.conftest import Configure
from twinledger.bills import ingest_source
from twinledger.books import Books
from twinledger.cli import app
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.settings import ROOT

REAL = ROOT.parent / "shared" / "data" / "real_bills"
BILLS = [
    ("aws_cur_legacy/export.csv", "aws_cur_legacy", "lineItem/UnblendedCost"),
    ("aws_cur_legacy/restated/2023-06-01.csv", "aws_cur_legacy", "lineItem/UnblendedCost"),
    ("aws_cur_legacy/restated/2023-06-01-not-final.csv", "aws_cur_legacy", "lineItem/UnblendedCost"),
    ("azure_ea/export.csv", "azure_ea", "CostInBillingCurrency"),
    ("azure_ea/camel_case.csv", "azure_ea", "preTaxCost"),
    ("focus_1_0/focus_sample.csv", "focus_1_0", "BilledCost"),
    ("gcp_export/202011.csv", "google_detailed", "cost"),
    ("oci_cost/report.csv", "oci_cost", "cost/myCost"),
]
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="no real bills: ../shared/data is not beside the checkout")


def plain_read(path: Path, column: str) -> tuple[int, Decimal]:
    """Rows and the sum of the cost column, with Google's credits taken off, read with nothing of ours."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    credits_given = [credit["amount"] for row in rows for credit in ast.literal_eval(row.get("credits", "[]"))]
    return len(rows), exact_sum([Decimal(row[column]) for row in rows] + [Decimal(str(one)) for one in credits_given])


def as_parquet(source: Path, target: Path) -> None:
    with source.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    pq.write_table(pa.Table.from_pylist(rows), target)


@pytest.mark.parametrize(("file", "form", "column"), BILLS)
def test_a_real_bill_is_ingested_to_the_last_row_and_decimal(
    books: Books,
    source: Configure,
    bills_folder: Path,
    ledger: Callable[[], list[tuple[str, int, Decimal]]],
    file: str,
    form: str,
    column: str,
) -> None:
    shutil.copy(REAL / file, bills_folder / "bill.csv")
    # The FOCUS sample is read as any folder of files; AWS' own layout needs a manifest, tested elsewhere.
    if form == "aws_cur_legacy":
        write_manifest(bills_folder)
    source("real", form, account=None, currency=None)
    (outcome,) = ingest_source(books, "real")
    rows, total = plain_read(REAL / file, column)
    assert (outcome.rows_in, outcome.rows_ledger, outcome.rows_quarantined) == (rows, rows, 0)
    assert sum(row[1] for row in ledger()) == rows
    assert exact_sum(row[2] for row in ledger()) == total


def write_manifest(folder: Path) -> None:
    with (folder / "bill.csv").open(newline="") as stream:
        start = next(csv.DictReader(stream))["bill/BillingPeriodStartDate"]
    period = {"start": f"{start[:4]}{start[5:7]}01T000000.000Z"}
    manifest = {"assemblyId": "a1", "account": "", "billingPeriod": period, "reportKeys": ["bill.csv"]}
    (folder / "bill-Manifest.json").write_text(json.dumps(manifest))


def test_the_real_focus_bill_is_the_same_from_parquet(
    books: Books,
    source: Configure,
    bills_folder: Path,
    ledger: Callable[[], list[tuple[str, int, Decimal]]],
) -> None:
    file = REAL / "focus_1_0" / "focus_sample.csv"
    as_parquet(file, bills_folder / "bill.parquet")
    source("real", "focus_1_0", account=None, currency=None)
    ingest_source(books, "real")
    rows, total = plain_read(file, "BilledCost")
    assert sum(row[1] for row in ledger()) == rows
    assert exact_sum(row[2] for row in ledger()) == total


@pytest.mark.parametrize(("file", "form", "column"), BILLS)
def test_inspect_says_what_a_real_bill_would_become(
    file: str, form: str, column: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLEDGER_HOME", str(tmp_path / "home"))
    result = CliRunner().invoke(app, ["inspect", str(REAL / file), "--json"])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    rows, total = plain_read(REAL / file, column)
    assert (said["format"], said["rows_in"], said["rows_ledger"], said["rows_quarantined"]) == (form, rows, rows, 0)
    assert exact_sum(Decimal(entry["billed_cost"]) for entry in said["totals"]) == total
    assert not (tmp_path / "home").exists()
