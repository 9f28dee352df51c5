"""Actions on what slipped past, on the command line."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.bills.bill_files import write_file
from tests.commands import run
from tests.reconciliation.test_actions import FOUND, MACHINE, break_of
from twinledger.cli.detection import print_proposals
from twinledger.reconciliation import Proposal
from twinledger.reconciliation.targets import target_of
from twinledger.store import Store
from twinledger.store.chain import Wanted, entries
from twinledger.store.models import Break
from twinledger.vocabulary.settings import PREFIX


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Mary is of finance, Sue of nothing; a machine without a grant is a break."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWINLEDGER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TWINLEDGER_CONFIG", str(tmp_path / "config"))
    people = "people:\n  - {name: mary, title: Mary, roles: [finance]}\n  - {name: sue, title: Sue}\n"
    write_file(tmp_path, "config/people.yaml", people.encode())
    for command in (("store", "upgrade"), ("catalog", "apply", "config")):
        assert run(*command).exit_code == 0
    found = Store(f"sqlite:///{tmp_path / 'home' / 'store.db'}")
    with found.transaction() as session:
        session.add(
            Break(
                id=break_of(MACHINE), rule="ungranted", pool="cluster", period="2026-10", subject=f"vm/core {MACHINE}",
                amount=Decimal(4), currency="USD", tolerance=Decimal(0), owner="sue", state="new",
                opened_at=datetime.now(UTC) - timedelta(days=10), run="run-1", revision=1,
            )
        )  # fmt: skip
    return found


def test_an_action_is_approved_by_who_may_and_listed_before_it_is_done(store: Store, tmp_path: Path) -> None:
    start = break_of(MACHINE)[:12]
    refused = run("detection", "approve", start, "stop", "--by", "sue", "--why", "it is mine")
    assert (refused.exit_code, "it is for finance or operator" in refused.output) == (2, True)
    approved = run("detection", "approve", start, "stop", "--by", "mary", "--why", "nobody claims it")
    assert approved.exit_code == 0
    assert approved.output == f"stop of break {start} is approved; `twinledger detection act` does it\n"
    assert run("detection", "approve", start, "remove", "--by", "mary", "--why", "x").exit_code == 2
    with store.reading() as session:
        assert [one.who for one in entries(session, Wanted(action="detection.approve"))] == ["mary"]
    listed = run("detection", "act", "2026-10")
    assert (listed.exit_code, "0 actions" in listed.output, "Nothing was done" in listed.output) == (0, True, True)
    assert json.loads(run("detection", "act", "2026-10", "--yes", "--json").stdout) == []
    write_file(tmp_path, "config/detection.yaml", b"rules: [{name: a, vendor: aws, then: delete}]")
    wrong = run("detection", "act", "2026-10")
    assert (wrong.exit_code, "rules[0].then" in wrong.output) == (2, True)
    store.close()


def test_the_list_says_what_is_done_to_what_why_and_for_how_much(capsys: pytest.CaptureFixture[str]) -> None:
    found, target = FOUND[1], target_of(FOUND[1])
    assert not isinstance(target, str)
    opened = datetime(2026, 10, 15, tzinfo=UTC)
    due = Proposal(break_of(MACHINE), found, "USD", opened, "stop", "rule stop-all", "to do", target)
    print_proposals([due], as_json=True)
    (shown,) = json.loads(capsys.readouterr().out)
    assert shown == {
        "break": break_of(MACHINE), "resource": MACHINE, "arn": MACHINE, "account": "111122223333",
        "region": "eu-west-1", "department": "shop", "action": "stop", "state": "to do", "because": "rule stop-all",
        "reason": "no grant", "problem": "", "since": "2026-10-15T00:00:00+00:00", "amount": "4.00", "currency": "USD",
    }  # fmt: skip
