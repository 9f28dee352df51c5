"""Reviews by commands: made, shown, sent and answered on a store of their own."""

from __future__ import annotations

import os
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from tests import commands
from twinledger.deployment import open_books, prepare
from twinledger.store.models import Budget, Department, Person
from twinledger.vocabulary.settings import PREFIX, load_settings

PERIOD = "2026-10"


run = partial(commands.run, "review")
said = partial(commands.said, "review")


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bob's shop has a plan and no charge; there is nobody else."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TWINLEDGER_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    prepare(settings)
    with open_books(settings) as books, books.store.transaction() as session:
        session.add(Person(name="bob", title="Bob", roles=[]))
        session.add(Department(name="shop", title="Shop", cost_centre="1", owner="bob", budget_holder="bob",
                               channel="#shop", tenants=[]))  # fmt: skip
        session.flush()
        session.add(Budget(department="shop", period=PERIOD, amount=Decimal(100), currency="USD"))
    return tmp_path


def test_a_month_is_made_shown_sent_and_answered(deployment: Path) -> None:
    folder = deployment / "reviews"
    made = run("make", PERIOD, "--department", "shop", "--out", str(folder))
    assert made.exit_code == 0, made.output
    assert sorted(path.name for path in folder.iterdir()) == [
        f"review-shop-{PERIOD}.json", f"review-shop-{PERIOD}.pdf"
    ]  # fmt: skip
    assert "Against plan" in run("show", PERIOD, "--department", "shop").stdout

    asked = said("send", PERIOD, "--dry-run")
    assert [(one["review"], one["item"]) for one in asked if one["review"] == "shop"] == [
        ("shop", "figures"), ("shop", "variance")
    ]  # fmt: skip
    assert said("list", PERIOD) == []
    assert said("send", PERIOD)["told"] == ["company", "shop"]

    by_bob = ("--department", "shop", "--by", "bob")
    answered = run("answer", PERIOD, "variance", *by_bob, "--text", "nothing was bought")
    assert (answered.exit_code, answered.stdout) == (0, "variance: explained\n")
    again = run("answer", PERIOD, "variance", *by_bob)
    assert again.exit_code == 2
    assert "already explained by bob" in again.stderr
    items = {(one["review"], one["item"]): (one["state"], one["text"]) for one in said("list", PERIOD)}
    assert items["shop", "variance"] == ("explained", "nothing was bought")
    assert items["shop", "figures"] == ("open", "")
