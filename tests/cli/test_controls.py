"""Control totals, quarantine and currency on the command line, over a bill in two currencies."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.bills.bill_files import focus_csv, write_file
from tests.commands import run, said
from twinledger.vocabulary.settings import PREFIX

PERIOD = "2026-09"
MONTH = {
    "BillingPeriodStart": "2026-09-01T00:00:00Z", "BillingPeriodEnd": "2026-10-01T00:00:00Z",
    "ChargePeriodStart": "2026-09-03T00:00:00Z", "ChargePeriodEnd": "2026-09-04T00:00:00Z",
}  # fmt: skip
HEADER = "provider,account,period,currency,invoice,amount"


def deploy(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """One source, acme, that billed 8.00 EUR on one invoice and 3.00 CNY on another; no rate of CNY."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        patch.delenv(name)
    patch.chdir(folder)
    patch.setenv("TWINLEDGER_HOME", str(folder / "home"))
    entry = "{name: acme, kind: bill, format: focus_1_2, place: ../bills, slice: period, account: acc}"
    write_file(folder, "config/sources.yaml", f"sources:\n  - {entry}\n".encode())
    rates = "kind,day,currency,quote,rate,origin\nperiod,2026-09-01,EUR,USD,1.25,treasury\n"
    write_file(folder, "config/rates.csv", rates.encode())
    rows = [
        {**MONTH, "BilledCost": "8.00", "InvoiceId": "i1"},
        {**MONTH, "BilledCost": "3.00", "BillingCurrency": "CNY", "InvoiceId": "i2"},
    ]
    write_file(folder, "bills/2026-09/bill.csv", focus_csv(rows))
    for command in (("store", "upgrade"), ("catalog", "apply", "config"), ("ingest",)):
        result = run(*command)
        assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A deployment for tests that leave it as it is."""
    with pytest.MonkeyPatch.context() as patch:
        yield deploy(tmp_path_factory.mktemp("shared"), patch)


@pytest.fixture(scope="module")
def kept(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the deployment is like as new."""
    return Path(shutil.copytree(shared, tmp_path_factory.mktemp("kept") / "deployment"))


@pytest.fixture
def deployment(shared: Path, kept: Path) -> Iterator[Path]:
    """The deployment for a test that changes it. Its lake's files are named by their absolute path: it is put back."""
    yield shared
    _empty(shared)
    shutil.copytree(kept, shared, dirs_exist_ok=True)


def _empty(folder: Path) -> None:
    """The folder itself stays: commands run in it."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def invoices(folder: Path, *lines: str) -> str:
    return str(write_file(folder, "invoices.csv", "\n".join([HEADER, *lines]).encode()))


def states() -> dict[str, str]:
    result = run("controls", "show", PERIOD, "--json")
    found = json.loads(result.stdout)["comparisons"]
    return {f"{one['currency']} {one['origin']} {one['document']}".strip(): one["state"] for one in found}


def test_invoices_are_looked_at_first_and_then_recorded_and_compared(deployment: Path) -> None:
    assert states() == {"CNY invoice": "pending", "EUR invoice": "pending"}
    file = invoices(deployment, "acme,acc,2026-09,EUR,i1,8.00", "Acme,acc,2026-09,CNY,i2,3.50")
    assert len(said("controls", "import", file, "--dry-run")["new"]) == 2
    assert states() == {"CNY invoice": "pending", "EUR invoice": "pending"}
    assert said("controls", "import", file)["periods"] == [PERIOD]
    assert said("controls", "import", file)["unchanged"] == 2
    assert states() == {
        "CNY invoice": "differs", "CNY invoice i2": "differs", "EUR invoice": "agrees", "EUR invoice i1": "agrees",
    }  # fmt: skip
    shown = run("controls", "show")
    assert shown.exit_code == 1
    assert "-0.50" in shown.stdout


def test_a_changed_amount_of_an_invoice_is_said(deployment: Path) -> None:
    run("controls", "import", invoices(deployment, "Acme,acc,2026-09,EUR,i1,7.00"))
    file = invoices(deployment, "Acme,acc,2026-09,EUR,i1,8.00")
    (changed,) = said("controls", "import", file)["changed"]
    assert (changed["before"], changed["amount"]) == ("7.00", "8.00")
    assert run("controls", "show", PERIOD).exit_code == 0


def test_a_wrong_cell_is_named_and_nothing_is_taken(shared: Path) -> None:
    refused = run("controls", "import", invoices(shared, "Acme,acc,2026-09,EUR,i1,8", "Acme,acc,2026-13,EUR,i2,x"))
    assert refused.exit_code == 2
    told = " ".join(refused.stderr.split())
    assert "row 2, period" in told
    assert "row 2, amount" in told
    assert states() == {"CNY invoice": "pending", "EUR invoice": "pending"}


def test_nobody_is_asked_where_no_source_says_so(shared: Path) -> None:
    assert shared.is_dir()
    assert said("controls", "fetch") == {}
    assert run("controls", "fetch", "acme").exit_code == 2


# --- currency ------------------------------------------------------------------------------------


def test_a_ledger_of_two_currencies_is_never_one_sum_without_a_rate(shared: Path) -> None:
    assert shared.is_dir()
    shown = said("ledger", "show", "acme", PERIOD)
    assert [(row["currency"], row["billed_cost"]) for row in shown["services"]] == [("EUR", "8.00"), ("CNY", "3.00")]
    assert shown["total"] == {"currency": "USD", "amount": None}
    text_shown = " ".join(run("ledger", "show", "acme", PERIOD).stdout.split())
    assert "8.00 EUR = 10.00 USD at 1.25 of 2026-09-01 (treasury)" in text_shown
    assert "no rate from CNY to USD for 2026-09" in text_shown


def test_with_every_rate_the_ledger_has_a_total_in_the_reporting_currency(deployment: Path) -> None:
    file = deployment / "more.csv"
    file.write_text("kind,day,currency,quote,rate,origin\nperiod,2026-09-01,CNY,USD,0.125,ECB\n")
    assert said("rates", "import", str(file), "--dry-run")["changes"][0]["action"] == "added"
    assert said("rates", "show", "CNY") == []
    assert len(said("rates", "import", str(file))["changes"]) == 1
    assert said("rates", "import", str(file))["changes"] == []
    shown = said("ledger", "show", "acme", PERIOD)
    assert shown["total"] == {"currency": "USD", "amount": "10.375"}
    assert [(part["amount"]["currency"], part["rate"]["origin"]) for part in shown["billed"]] == [
        ("CNY", "ECB"), ("EUR", "treasury"),
    ]  # fmt: skip


def test_rates_come_from_a_table_whose_url_is_in_the_environment(
    deployment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{deployment / 'treasury.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE fx (day DATE, currency TEXT, rate TEXT)"))
        connection.execute(text("INSERT INTO fx VALUES ('2026-09-05', 'CNY', '0.13900001')"))
    engine.dispose()
    monkeypatch.setenv("TREASURY_URL", url)
    options = ("--set", "kind=day", "--set", "quote=USD", "--set", "origin=treasury")
    said("rates", "import", "--table", "fx", "--url-env", "TREASURY_URL", *options)
    (found,) = said("rates", "show", "CNY", "--on", "2026-09-17")
    assert (found["rate"], found["day"], found["origin"]) == ("0.13900001", "2026-09-05", "treasury")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--table", "fx"),
        ("--table", "fx", "--url-env", "NOBODY_SET_THIS"),
        ("nothing.csv",),
        ("--table", "fx", "--url-env", "HOME", "--set", "colour=red"),
    ],
)
def test_an_import_of_rates_that_names_nothing_is_refused(shared: Path, arguments: tuple[str, ...]) -> None:
    assert shared.is_dir()
    assert run("rates", "import", *arguments).exit_code == 2


def test_a_missing_rate_is_named(shared: Path) -> None:
    assert shared.is_dir()
    refused = run("rates", "show", "CNY", "--on", "2026-09-17")
    assert refused.exit_code == 2
    assert "no rate from CNY to USD" in " ".join(refused.stderr.split())
    assert run("rates", "show", "CNY", "--on", "yesterday").exit_code == 2


# --- quarantine ----------------------------------------------------------------------------------


def test_a_refused_delivery_is_listed_looked_at_corrected_and_replayed(deployment: Path) -> None:
    sources = deployment / "config" / "sources.yaml"
    write_file(deployment, "bills/2026-10/bill.csv", focus_csv([{"BillingAccountId": "other"}]))
    assert run("ingest", "acme").exit_code == 1
    (found,) = said("quarantine", "list", "--source", "acme")
    assert said("quarantine", "list", "--source", "nobody") == []
    shown = said("quarantine", "show", found["delivery"], "--rows", "5")
    assert (shown["reason_code"], shown["rows"]) == ("wrong-account", [])
    assert "wrong-account" in run("quarantine", "show", found["delivery"]).stdout
    dry = said("quarantine", "replay", found["delivery"], "--dry-run")
    assert (dry["deliveries"], dry["outcomes"]) == ([found["delivery"]], [])
    again = said("quarantine", "replay", found["delivery"], exit_code=1)
    assert [outcome["state"] for outcome in again["outcomes"]] == ["quarantined"]
    sources.write_text(sources.read_text().replace(", account: acc", ""))
    assert run("catalog", "apply", "config").exit_code == 0
    done = said("quarantine", "replay", "--source", "acme")
    assert [(outcome["state"], outcome["periods"]) for outcome in done["outcomes"]] == [("ingested", ["2026-10"])]
    assert said("quarantine", "list") == []
    messages = [item["facts"] for item in said("outbox", "list") if item["kind"] == "quarantine"]
    assert [bool(facts.get("resolved")) for facts in messages] == [True, False]
    assert "is now in the ledger" in run("outbox", "show", "2").stdout
    assert run("quarantine", "replay", found["delivery"]).exit_code == 2
    assert run("quarantine", "replay").exit_code == 2


def test_a_total_of_the_newest_period_is_shown_when_none_is_named(deployment: Path) -> None:
    file = invoices(deployment, "Acme,acc,2026-10,EUR,i9,1")
    said("controls", "import", file)
    found = json.loads(run("controls", "show", "--json").stdout)
    assert found["period"] == "2026-10"
    (one,) = found["comparisons"]
    assert (one["state"], Decimal(one["stated"])) == ("pending", Decimal(1))
