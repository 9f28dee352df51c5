"""History, differences and the close of a period, by commands alone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.bills.bill_files import focus_csv, write_file
from tests.commands import run, said
from tests.signing.signed import sign_statements
from twinledger.deployment import open_books
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import PREFIX

SOURCES = """
sources:
  - {name: acme, kind: bill, format: focus_1_2, place: ../bills, options: {settle_seconds: 0}}
"""
PEOPLE = """
people:
  - {name: carol, title: Carol, roles: [finance]}
  - {name: dave, title: Dave, roles: [finance]}
"""


def leave(folder: Path, cost: str, day: int) -> None:
    path = write_file(folder / "bills", "bill.csv", focus_csv([{"BilledCost": cost}]))
    at = datetime(2026, 11, day, tzinfo=UTC).timestamp()
    os.utime(path, (at, at))


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[datetime]:
    """One source that said October twice; the instant between."""
    folder = tmp_path_factory.mktemp("deployment")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        patch.setenv("TWINLEDGER_HOME", str(folder / "home"))
        write_file(folder / "config", "sources.yaml", SOURCES.encode())
        write_file(folder / "config", "people.yaml", PEOPLE.encode())
        for command in (("store", "upgrade"), ("catalog", "apply", str(folder / "config"))):
            assert run(*command).exit_code == 0
        leave(folder, "1.10", 3)
        assert [one["state"] for one in said("ingest")] == ["ingested"]
        time.sleep(0.01)  # Iceberg's instants are milliseconds
        between = datetime.now(UTC)
        leave(folder, "1.25", 5)
        assert [one["state"] for one in said("ingest")] == ["ingested"]
        yield between


@pytest.mark.usefixtures("deployment")
def test_history_names_every_delivery_and_diff_says_what_changed_between_two() -> None:
    found = said("ledger", "history", "acme", "2026-10")
    assert [(one["billed"], one["is_current"]) for one in found] == [
        ([["EUR", "1.10"]], False),
        ([["EUR", "1.25"]], True),
    ]
    first, second = (one["delivery"] for one in found)
    for options in ((), ("--from", first, "--to", second)):
        (change,) = said("ledger", "diff", "acme", "2026-10", *options)["changes"]
        assert (change["billed_before"], change["billed_after"], change["billed_change"]) == ("1.10", "1.25", "0.15")
    assert "0.15" in run("ledger", "diff", "acme", "2026-10").stdout


def test_the_ledger_is_shown_and_exported_as_it_was_known(deployment: datetime, tmp_path: Path) -> None:
    (then,) = said("ledger", "show", "acme", "2026-10", "--as-of", deployment.isoformat())["services"]
    (now,) = said("ledger", "show", "acme", "2026-10")["services"]
    assert (then["billed_cost"], now["billed_cost"]) == ("1.10", "1.25")
    target = tmp_path / "then.parquet"
    said("ledger", "export", "acme", "2026-10", "--out", str(target), "--as-of", deployment.isoformat())
    assert [str(cost.normalize()) for cost in pq.read_table(target)["BilledCost"].to_pylist()] == ["1.1"]
    assert run("ledger", "show", "acme", "2026-10", "--as-of", "yesterday").exit_code == 2


@pytest.mark.usefixtures("deployment")
def test_a_period_is_closed_by_two_people() -> None:
    assert said("period", "show", "2026-10")["state"] == "open"
    unsigned = run("period", "close", "2026-10", "--by", "carol")
    assert unsigned.exit_code == 2
    assert "cannot be closed before its statements are signed" in unsigned.output
    with open_books() as books:
        sign_statements(books, Period(2026, 10))
    assert said("period", "close", "2026-10", "--by", "carol")["state"] == "closing"
    refused = run("period", "approve", "2026-10", "--by", "carol")
    assert refused.exit_code == 2
    assert "preparer and reviewer differ" in refused.output
    assert said("period", "approve", "2026-10", "--by", "dave", "--comment", "fine")["state"] == "closed"
    assert "period 2026-10 is closed" in run("period", "show", "2026-10").stdout
