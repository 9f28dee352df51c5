"""The policy on the command line: trying cases, showing it, and explaining a request."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.commands import run
from twinledger.approvals import Submission, submit
from twinledger.deployment import open_books
from twinledger.vocabulary.settings import PREFIX, ROOT, load_settings

EXAMPLE = str(ROOT / "config")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(f"{PREFIX}HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def test_the_example_policy_holds_its_cases_and_a_wrong_one_is_told(home: Path) -> None:
    passed = run("policy", "test", EXAMPLE)
    assert (passed.exit_code, "4 cases, 0 fail" in passed.output) == (0, True)
    cases = home / "cases.yaml"
    asked = "{department: storefront, product: kubernetes, meter: core-hours, region: r, amount: '1', days: 2}"
    cases.write_text(f"cases: [{{name: small, asked: {asked}, expect: refuse}}]\n")
    failed = run("policy", "test", EXAMPLE, "--cases", str(cases), "--json")
    assert failed.exit_code == 1
    (found,) = json.loads(failed.stdout)
    assert (found["passed"], found["outcome"], found["rule"]) == (False, "allow", "small-change")
    missing = run("policy", "test", EXAMPLE, "--cases", str(home / "none.yaml"))
    assert (missing.exit_code, "there is no such file" in missing.output) == (2, True)


def test_the_policy_in_force_is_shown_and_a_request_explained_as_it_was_decided() -> None:
    assert run("store", "upgrade").exit_code == 0
    assert run("catalog", "apply", EXAMPLE).exit_code == 0
    shown = run("policy", "show")
    assert "beyond-the-budget" in shown.output
    assert "headroom: below 0" in shown.output
    with open_books(load_settings()) as books:
        wish = Submission(
            requester="ada", department="platform", product="kubernetes", meter="core-hours", quantity=Decimal(1),
            days=2, region="r", justification="a test", actual=Decimal(10**6),
        )  # fmt: skip
        request = submit(books, wish)
    explained = run("policy", "explain", request)
    assert f"{request}: ask finance" in explained.output
    assert "days is 2, expected at least 184" in explained.output
    assert "has changed since" not in explained.output
    assert run("policy", "explain", "req-none").exit_code == 2
