"""The command line as a newcomer uses it, on the sample company; exit codes and JSON as scripts use them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.bills.bill_files import focus_csv
from tests.commands import run, said
from twinledger.vocabulary.settings import PREFIX

PERIOD = "2026-10"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A deployment whose sample company of one month is ingested, rated and reconciled by commands alone."""
    folder = tmp_path_factory.mktemp("deployment")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        patch.chdir(folder)
        patch.setenv("TWINLEDGER_HOME", str(folder / "home"))
        for command in (
            ("sample", "company", "--months", "1", "--scale", "0.05"),
            ("store", "upgrade"),
            ("catalog", "apply", "company/config"),
            ("ingest",),
            ("rate", PERIOD),
            ("reconcile", PERIOD),
            ("budget", "check", PERIOD),
        ):
            result = run(*command)
            assert result.exit_code == 0, result.output
        yield folder


def test_a_second_time_nothing_changes(deployment: Path) -> None:
    assert {outcome["state"] for outcome in said("ingest")} == {"unchanged"}
    assert said("catalog", "plan", "company/config") == []
    assert said("rate", PERIOD)["changed"] is False
    before = said("outbox", "list")
    assert said("reconcile", PERIOD)["changed"] is False
    assert said("outbox", "list") == before
    assert deployment.is_dir()


def test_the_bridge_adds_up_in_what_scripts_read(deployment: Path) -> None:
    assert deployment.is_dir()
    found = said("reconcile", PERIOD)
    for total in found["totals"]:
        parts = [Decimal(row["amount"]) for row in found["bridge"] if row["pool"] == total["pool"]]
        assert sum(parts) == Decimal(total["deviation"])
    assert found["verdict"] == "breaks"


def test_a_component_opens_down_to_its_rows(deployment: Path) -> None:
    assert deployment.is_dir()
    found = said("reconcile", PERIOD)
    (unmetered,) = [row for row in found["bridge"] if row["component"] == "unmetered" and Decimal(row["amount"])]
    options = ("--pool", unmetered["pool"], "--component", "unmetered", "--limit", "10000")
    rows = said("reconcile", PERIOD, *options)
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal(unmetered["amount"])
    assert run("reconcile", PERIOD, "--pool", "kubernetes").exit_code == 2


def test_the_ledger_is_shown_and_exported_as_focus(deployment: Path) -> None:
    shown = said("ledger", "show", "stratus", PERIOD)["services"]
    target = deployment / "stratus.parquet"
    exported = said("ledger", "export", "stratus", PERIOD, "--out", str(target))
    table = pq.read_table(target)
    assert table.num_rows == exported["rows"] == sum(row["rows"] for row in shown)
    assert sum(table["BilledCost"].to_pylist()) == sum(Decimal(row["billed_cost"]) for row in shown)
    assert run("ledger", "show", "stratus", "2020-01").exit_code == 2
    assert run("ledger", "show", "nobody", PERIOD).exit_code == 2


def test_a_statement_and_a_message_are_read_on_the_terminal(deployment: Path) -> None:
    assert deployment.is_dir()
    lines = said("statement", "data-science", PERIOD)["lines"]
    assert lines
    message = next(item for item in said("outbox", "list") if item["kind"] == "reconciliation")
    shown = run("outbox", "show", str(message["id"]))
    assert shown.exit_code == 0
    assert PERIOD in shown.stdout
    assert run("outbox", "show", "999999").exit_code == 2


def test_statements_are_written_as_files_of_one_department_or_of_all(deployment: Path) -> None:
    shown = run("statement", "data-science", PERIOD)
    assert shown.exit_code == 0
    assert "GPU" in shown.stdout or "gpu" in shown.stdout
    folder = deployment / "statements"
    for kind in ("csv", "xlsx", "pdf", "json"):
        assert run("statement", "--all", PERIOD, "--format", kind, "--out", str(folder)).exit_code == 0
    names = {path.name for path in folder.iterdir()}
    everybody = said("statement", "--all", PERIOD)
    assert names == {f"statement-{one['department']}-{PERIOD}.{kind}" for one in everybody
                     for kind in ("csv", "xlsx", "pdf", "json")}  # fmt: skip
    assert json.loads((folder / f"statement-data-science-{PERIOD}.json").read_text()) in everybody
    assert run("statement", "nobody", PERIOD).exit_code == 2
    assert run("statement", "data-science").exit_code == 2


def test_the_held_share_is_told_by_month_pool_and_cause(deployment: Path) -> None:
    assert deployment.is_dir()
    (month,) = said("held", "--period", PERIOD)
    assert Decimal(month["held"]) == sum(Decimal(cause["amount"]) for cause in month["causes"])
    assert Decimal(month["share"]) < 5
    assert Decimal(month["owned_share"]) > 15
    assert {"gpu", "kubernetes"} <= {pool["pool"] for pool in month["pools"]}
    shown = run("held")
    assert shown.exit_code == 0
    assert "legacy-batch" in shown.stdout
    assert run("held", "--period", "2020-01").exit_code == 2
    assert run("held", "--period", "soon").exit_code == 2


def test_a_refused_delivery_is_listed_and_opened_and_says_exit_code_1(deployment: Path) -> None:
    folder = deployment / "company" / "bills" / "stratus" / "focus" / "2026-11"
    folder.mkdir(parents=True)
    rows = [{"BillingCurrency": "USD", "BilledCost": "NaN"}]
    (folder / "bad.csv").write_bytes(focus_csv(rows))
    refused = run("ingest", "stratus", "--json")
    assert refused.exit_code == 1
    (outcome,) = [outcome for outcome in json.loads(refused.stdout) if outcome["state"] == "quarantined"]
    assert outcome["delivery"] in {item["delivery"] for item in said("quarantine", "list")}
    assert said("quarantine", "show", outcome["delivery"])["rows"] == []
    (folder / "bad.csv").unlink()


def test_a_delivery_refused_for_a_wrong_entry_is_taken_once_the_entry_is_right(deployment: Path) -> None:
    sources = deployment / "company" / "config" / "sources.yaml"
    right = sources.read_text()
    sources.write_text(right.replace("name: azure", "name: azure-again").replace("currency: EUR", "currency: USD"))
    assert run("catalog", "apply", "company/config").exit_code == 0
    assert run("ingest", "azure-again").exit_code == 1
    assert run("ingest", "azure-again").exit_code == 0, "refused once, told once"
    sources.write_text(right.replace("name: azure", "name: azure-again"))
    assert run("catalog", "apply", "company/config").exit_code == 0
    assert {outcome["state"] for outcome in said("ingest", "azure-again")} == {"ingested"}
    assert "azure-again" not in {item["source"] for item in said("quarantine", "list")}
    sources.write_text(right)
    assert run("catalog", "apply", "company/config").exit_code == 0


def test_what_a_killed_process_left_is_named_first_and_deleted_when_told_to(deployment: Path) -> None:
    folder = deployment / "home" / "lake" / "finance" / "external_charges" / "data" / "left"
    folder.mkdir()
    left = folder / "part-00000.parquet"
    pq.write_table(pq.read_table(next(folder.parent.rglob("*.parquet"))), left)
    os.utime(left, (1, 1))
    assert said("lake", "sweep")["files"] == [str(left)]
    assert left.exists()
    assert said("lake", "sweep", "--apply")["deleted"] is True
    assert not left.exists()
    assert said("ingest", "aws")


def test_inspect_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    bill = tmp_path / "bill.csv"
    bill.write_bytes(focus_csv([{}, {"BilledCost": "NaN"}, {"BilledCost": "0.000000000000000000001"}]))
    found = said("inspect", str(bill))
    assert (found["format"], found["rows_in"], found["rows_ledger"], found["rows_quarantined"]) == (
        "focus_1_2",
        3,
        1,
        2,
    )
    assert found["totals"] == [{"period": PERIOD, "currency": "EUR", "billed_cost": "1.00"}]
    assert [row["row"] for row in found["quarantined"]] == [2, 3]
    bill.write_text("colour,size\nred,1\n")
    refused = run("inspect", str(bill))
    assert refused.exit_code == 2
    assert "has not the columns of" in refused.stderr


def test_a_wrong_period_and_an_old_store_are_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLEDGER_HOME", str(tmp_path / "home"))
    assert "expected YYYY-MM" in run("rate", "2026-13").output
    refused = run("rate", PERIOD)
    assert refused.exit_code == 2
    assert "twinledger store upgrade" in refused.stderr


@pytest.mark.parametrize(
    "command", ["inspect", "ingest", "rate", "reconcile", "ledger", "quarantine", "outbox", "sample"]
)
def test_every_command_has_a_help_text(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 5


def test_a_statement_of_both_ledgers_is_shown_exported_and_verified(deployment: Path, tmp_path: Path) -> None:
    assert deployment.is_dir()
    said("reconcile", PERIOD)  # other tests may have changed what it follows from
    shown = said("reconciliation", "show", PERIOD)
    for one in shown:
        assert sum(Decimal(part["amount"]) for part in one["components"]) == Decimal(one["deviation"])
        assert len(one["components"]) == 12
    (first, *_) = [one["subject"] for one in shown if one["breaks"]]
    export = ("reconciliation", "export", PERIOD, "--pool", first, "--out", str(tmp_path))
    planned = said(*export, "--dry-run")
    assert not list(tmp_path.iterdir())
    folder = tmp_path / PERIOD / f"pool-{first}"

    assert said(*export) == planned | {"dry_run": False}
    assert {str(path) for path in folder.iterdir()} == {one["file"] for one in planned["files"]}
    assert {one["state"] for one in said("reconciliation", "verify", str(folder))} == {"same"}
    (folder / "bridge.csv").write_text("")
    assert run("reconciliation", "verify", str(folder)).exit_code == 1
    assert first in run("reconciliation", "show", PERIOD, "--pool", first).output
    assert run("reconciliation", "show", PERIOD, "--pool", "nowhere").exit_code == 2
