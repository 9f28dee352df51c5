"""Breaks on the command line: what each command says and does."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests import commands
from tests.bills.bill_files import write_file
from twinledger.cli import app
from twinledger.store import Store
from twinledger.store.models import Break
from twinledger.vocabulary.settings import PREFIX

ONE = "3f2a9c" + "0" * 58
OTHER = "3f2b00" + "0" * 58


run = partial(commands.run, "breaks")
said = partial(commands.said, "breaks")


@pytest.fixture(autouse=True)
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ada is of finance; one control total disagrees by 1234.5 USD since ten days, another one by a cent."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWINLEDGER_HOME", str(tmp_path / "home"))
    people = "people:\n  - {name: ada, title: Ada, roles: [finance]}\n  - {name: bob, title: Bob}\n"
    write_file(tmp_path, "config/people.yaml", people.encode())
    rules = "owners: [{owner: bob, rules: [control_total], at_least: '100'}]"
    write_file(tmp_path, "config/breaks.yaml", rules.encode())
    for command in (("store", "upgrade"), ("catalog", "apply", "config")):
        assert CliRunner().invoke(app, list(command)).exit_code == 0
    store = Store(f"sqlite:///{tmp_path / 'home' / 'store.db'}")
    with store.transaction() as session:
        for identity, amount, owner in ((ONE, "1234.5", "bob"), (OTHER, "-0.01", "finance")):
            session.add(
                Break(
                    id=identity, rule="control_total", pool="", period="2026-10", subject=f"AWS {owner}",
                    amount=Decimal(amount), currency="USD", tolerance=Decimal(0), owner=owner, state="new",
                    opened_at=datetime.now(UTC) - timedelta(days=10), run="run-1", revision=1,
                )
            )  # fmt: skip
    store.close()


def test_breaks_are_listed_by_money_and_filtered() -> None:
    found = said("list")
    assert [(one["id"], one["money"]["amount"], one["priority"], one["age_class"]) for one in found] == [
        (ONE, "1234.50", "high", "8-30"),
        (OTHER, "-0.01", "low", "8-30"),
    ]
    assert said("list", "--age", "0-1") == []
    assert "1,234.50" in run("list", "--owner", "bob").stdout


def test_owners_shows_which_rule_decided() -> None:
    decided = said("owners")
    assert decided["rules"] == ["rule 1: control_total; at least 100.00"]
    assert [(one["owner"], one["decided_by"]) for one in decided["breaks"]] == [
        ("bob", "rule 1: control_total; at least 100.00"),
        ("finance", "finance, for it is of no pool"),
    ]


def test_a_break_is_worked_on_to_its_end_and_shows_all_of_it() -> None:
    until = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    steps = [
        ("acknowledge", "--by", "bob"),
        ("snooze", "--by", "bob", "--until", until),
        ("assign", "--by", "ada", "--to", "bob"),
        ("comment", "--by", "bob", "--text", "asked [the] vendor"),
        ("accept", "--by", "ada", "--note", "credited in November"),
    ]
    states = [said(verb, ONE[:6], *options)["state"] for verb, *options in steps]
    assert states == ["acknowledged", "snoozed", "snoozed", "snoozed", "resolved"]
    shown = run("show", ONE[:8], "--cause").stdout
    for words in (
        "resolved (accepted)",
        "rule 1",
        "asked [the] vendor",
        "credited in November",
        "Largest contributors",
    ):
        assert words in shown
    view = said("show", ONE)
    assert view["evidence"]["amount"] == "1234.50"
    assert [deed["action"] for deed in view["history"]] == [f"break.{verb}" for verb, *_ in steps]


def test_what_cannot_be_done_says_why_and_ends_with_two() -> None:
    assert said("fix", OTHER, "--by", "ada", "--booking", "JE-1")["state"] == "resolved"
    for arguments, sentence in (
        (("fix", OTHER, "--by", "ada", "--booking", "JE-2"), "was already fixed by Ada"),
        (("acknowledge", OTHER[:5], "--by", "ada"), "no break named"),
        (("acknowledge", ONE, "--by", "zoe"), "zoe"),
        (("acknowledge", ONE, "--by", "ada", "--revision", "7"), "at revision 1, not at revision 7"),
        (("comment", ONE, "--by", "ada", "--text", " "), "expected some words"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        assert sentence in " ".join(result.stderr.split())
