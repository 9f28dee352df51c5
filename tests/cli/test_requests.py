"""Requests and absences on the command line."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.commands import run
from twinledger.approvals import Submission, submit
from twinledger.deployment import open_books
from twinledger.store.models import Budget, Meter
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import PREFIX, ROOT, load_settings

WISH = Submission(
    requester="grace",
    department="storefront",
    product="kubernetes",
    meter="core-hours",
    quantity=Decimal(480),
    days=30,
    region="us-east-1",
    justification="=cmd|' /C calc'!A0",
    actual=Decimal(0),
)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three requests of the example company."""
    monkeypatch.setenv(f"{PREFIX}HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "240")
    assert run("store", "upgrade").exit_code == 0
    assert run("catalog", "apply", str(ROOT / "config")).exit_code == 0
    with open_books(load_settings()) as books:
        period = str(Period.of(books.clock.now(), books.settings.timezone))
        with books.store.transaction() as session:
            session.merge(Budget(department="storefront", period=period, amount=Decimal(10**6), currency="USD"))
        return [submit(books, replace(WISH, days=days)) for days in (30, 60, 90)]


def test_requests_are_listed_shown_decided_amended_and_written_down(asked: list[str]) -> None:
    first, second, third = asked
    with open_books(load_settings()) as books:
        with books.store.transaction() as session:
            session.get_one(Meter, ("kubernetes", "core-hours")).unit = "card-hour"
        for_cards = submit(books, replace(WISH, days=31))
    shown = run("request", "show", for_cards).output
    assert ("20 cards x 744 hours = 14,880 card-hours" in shown, "not measured" in shown) == (True, True)
    assert run("request", "withdraw", for_cards, "--by", "grace").exit_code == 0
    assert "GPU cards" not in run("request", "show", first).output
    listed = run("request", "list", "--state", "pending", "--department", "storefront")
    assert (listed.exit_code, "3 requests" in listed.output, "waits for ada" in listed.output) == (0, True, True)
    assert "granted by" not in run("request", "show", first).output
    denied = run("request", "deny", second, "--by", "ada", "--reason", "use what you have")
    assert (denied.exit_code, denied.output) == (0, f"{second} is denied\n")
    late = run("request", "approve", second, "--by", "ada")
    assert (late.exit_code, "was already denied by ada" in late.output) == (2, True)
    amended = run("request", "amend", third, "--by", "grace", "--quantity", "240", "--days", "7")
    fourth = amended.output.split()[0]
    assert amended.output == f"{fourth} takes the place of {third}\n"
    assert "can be decided by ada, mary" in run("request", "escalate", fourth, "--by", "grace").output
    approved = run("request", "approve", first, "--by", "ada", "--comment", "for the sale")
    assert f"{first} is approved, grant-" in approved.output
    assert run("request", "withdraw", fourth, "--by", "grace").output == f"{fourth} is withdrawn\n"
    lines = [json.loads(line) for line in run("request", "export").stdout.splitlines()]
    assert {one["id"]: one["state"] for one in lines} == {
        first: "approved", second: "denied", third: "superseded", fourth: "withdrawn",
        for_cards: "withdrawn",
    }  # fmt: skip
    (record,) = [one for one in lines if one["id"] == first]
    assert [one["action"] for one in record["entries"]] == ["request.submit", "request.approve"]
    assert (record["commitment"], record["facts"]["price"], len(record["entries"][0]["hash"])) == (
        "posted",
        "0.048",
        64,
    )
    rows = list(csv.DictReader(io.StringIO(run("request", "export", "--csv", "--state", "denied").stdout)))
    assert [(row["id"], row["stages"], row["comment"]) for row in rows] == [
        (second, "budget holder: ada", "use what you have")
    ]
    assert rows[0]["justification"].startswith("'="), "no spreadsheet takes it for a formula"


def test_who_is_away_is_said_listed_and_taken_back(asked: list[str]) -> None:
    assert asked
    said = run("away", "set", "ada", "--until", "2099-01-01", "--from", "2098-12-24", "--delegate", "grace")
    assert (said.exit_code, said.output) == (0, "ada is away until 2099-01-01 00:00 UTC\n")
    assert json.loads(run("away", "list", "--json").stdout)[0]["delegate"] == "grace"
    refused = run("away", "set", "ada", "--until", "2099-01-01", "--from", "2098-12-24", "--by", "grace")
    assert (refused.exit_code, "or finance does" in refused.output) == (2, True)
    assert run("away", "back", "ada", "--by", "mary").output == "ada is here: 1 absences ended\n"
    assert "0 absences" in run("away", "list").output
