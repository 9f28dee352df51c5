"""Pools on the command line, over one small bill."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.bills.bill_files import focus_csv, write_file
from tests.commands import run, said
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.settings import PREFIX

SOURCES = "sources:\n  - {name: acme, kind: bill, format: focus_1_2, place: ../bills, options: {settle_seconds: 0}}\n"
PEOPLE = "people:\n  - {name: ada, title: Ada}\n"
POOLS = """
pools:
  - {name: dear, title: Dear, owner: ada, rules: [{column: ServiceName, equals: [Dear]}]}
  - {name: own, title: Own, owner: ada, kind: direct, savings: purchaser,
     rules: [{column: ServiceName, prefix: Di}]}
"""
RATES = "kind,day,currency,quote,rate,origin\nperiod,2026-10-01,EUR,USD,2,treasury\n"
PERIOD = "2026-10"


@pytest.fixture(scope="module", autouse=True)
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of 987.65, and something that no pool takes."""
    folder = tmp_path_factory.mktemp("deployment")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        patch.setenv("TWINLEDGER_HOME", str(folder / "home"))
        for name, text in (("sources", SOURCES), ("people", PEOPLE), ("pools", POOLS)):
            write_file(folder / "config", f"{name}.yaml", text.encode())
        write_file(folder / "config", "rates.csv", RATES.encode())
        charges = [{"BilledCost": "987.65"}, {"ServiceName": "Other"}]
        write_file(folder / "bills", "bill.csv", focus_csv(charges))
        for command in (("store", "upgrade"), ("catalog", "apply", str(folder / "config")), ("ingest",)):
            result = run(*command)
            assert result.exit_code == 0, result.output
        yield folder


def test_a_charge_is_explained_by_row_and_by_delivery_without_an_amount() -> None:
    (found,) = said("pools", "explain", "acme", PERIOD, "1")
    assert (found["pool"], [one["pool"] for one in found["tried"]]) == ("own", ["dear", "own"])
    assert said("pools", "explain", f"{PERIOD}/{found['delivery']}#1") == [found]
    shown = run("pools", "explain", "acme", PERIOD, "1").output
    assert "own, and no other" in shown
    assert "987" not in shown + json.dumps(found)


def test_pools_are_shown_with_their_charges_of_a_period() -> None:
    found = said("pools", "show", PERIOD)
    assert {one["pool"]: one["charges"] for one in found} == {"dear": 0, "own": 1, "unassigned": 1}
    assert [one["rules"] for one in found] == [["ServiceName is Dear"], ["ServiceName starts with Di"], []]
    assert "2 pools, tried from the top" in run("pools", "show", PERIOD).output


def test_tags_tell_how_owners_are_known_and_what_names_nobody() -> None:
    found = said("pools", "tags", PERIOD)
    assert {one["how"]: (one["charges"], one["list_cost"]) for one in found["ways"] if one["charges"]} == {
        "unassigned": (1, "4.00")
    }
    shown = run("pools", "tags", PERIOD).output
    assert "last resort" in shown
    assert "0 tags that name no" in shown


def test_a_charge_that_is_not_there_is_refused_with_a_sentence() -> None:
    result = run("pools", "explain", "acme", PERIOD, "9")
    assert (result.exit_code, "no charge of source acme" in result.output) == (2, True)
    assert run("pools", "show", "October").exit_code == 2


def test_the_policy_on_savings_is_shown_and_pools_cost_what_was_paid() -> None:
    assert [one["savings"] for one in said("pools", "show")] == ["usage", "purchaser", "usage"]
    found = said("pools", "savings", PERIOD)
    assert exact_sum(Decimal(one["cost"]) for one in found["pools"]) == Decimal(found["cost"])
    assert exact_sum(Decimal(one["effective_cost"]) for one in found["pools"]) == Decimal(found["cost"])
    printed = run("pools", "savings", PERIOD)
    assert (printed.exit_code, "credited" in printed.output) == (0, True), printed.output
