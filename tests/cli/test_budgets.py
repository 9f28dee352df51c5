"""Budgets on the command line: lines beside plans, and what is for finance only where it is asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.budgets.test_evaluate import charge
from tests.catalog.test_budget_lines import GROUPS, entry, folder
from tests.commands import run
from twinledger.deployment import open_books
from twinledger.vocabulary.settings import PREFIX, load_settings

LINES = (
    entry("department: shop")
    + entry("name: compute, title: Machines, group: compute")
    + entry('name: vault, account: "0011"')
)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Books with a plan of 100 a month, a line of each view, and 301 of October, all on its second day."""
    place = tmp_path_factory.mktemp("budgets")
    config = place / "config"
    config.mkdir()
    folder(config, LINES, GROUPS)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        patch.setenv("TWINLEDGER_HOME", str(place / "home"))
        for command in (("store", "upgrade"), ("catalog", "apply", str(config))):
            result = run(*command)
            assert result.exit_code == 0, result.output
        with open_books(load_settings()) as books:
            charge(books, ("shop", "vm", "2026-10-02", "200"), ("shop", "gpu", "2026-10-02", "101"))
        yield


@pytest.mark.usefixtures("deployment")
def test_check_shows_lines_beside_departments_and_finances_own_where_asked_for() -> None:
    found = json.loads(run("budget", "check", "2026-10", "--json").stdout)
    (shop,) = found["departments"]
    assert (shop["department"], shop["variance"]["amount"], shop["over"]) == ("shop", "201.00", True)
    assert [(one["budget"], one["period"], one["actual"]["amount"], one["over_since"]) for one in found["lines"]] == [
        ("compute", "2026-Q4", "301.00", "2026-10-02")
    ]
    shown = run("budget", "check", "2026-10", "--finance")
    assert shown.exit_code == 0, shown.output
    assert [name for name in ("compute", "vault") if name in shown.stdout] == ["compute", "vault"]
    assert "vault" not in run("budget", "check", "2026-10").stdout


@pytest.mark.usefixtures("deployment")
def test_outlook_says_with_its_exit_code_that_a_budget_will_be_over() -> None:
    result = run("budget", "outlook", "2026-10", "--known-through", "2026-10-31", "--finance", "--json")
    assert result.exit_code == 1
    found = {one["budget"]: one["variance"]["amount"] for one in json.loads(result.stdout)}
    assert found["shop"] == "201.00"
    assert set(found) == {"shop", "compute", "vault"}
    shown = run("budget", "outlook", "2026-11", "--known-through", "2026-11-30")
    assert (shown.exit_code, "vault" in shown.stdout, "shop" in shown.stdout) == (1, False, True)
