"""The catalog on the command line: a plan in words, applying it, and how it reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import run, said
from twinledger.vocabulary.settings import PREFIX

FILES = {
    "people.yaml": "people:\n  - {name: ada, title: Ada}\n",
    "departments.yaml": """departments:
  - {name: shop, title: Shop, cost_centre: "1", owner: ada, budget_holder: ada, channel: "#s", tenants: [s]}
  - {name: web, title: Web, parent: shop, cost_centre: "1", owner: ada, budget_holder: ada, channel: "#w", tenants: [w]}
  - {name: data, title: Data, cost_centre: "1", owner: ada, budget_holder: ada, channel: "#d", tenants: [d]}
""",
    "pools.yaml": "pools:\n  - {name: vm, title: V, owner: ada, rules: [{column: ServiceName, equals: [EC2]}]}\n",
    "sources.yaml": "sources:\n  - {name: feed, kind: usage, format: csv, place: ../usage, slice: day}\n",
    "catalog.yaml": """products:
  - name: vm
    title: Machines
    description: By the hour.
    owner: ada
    pool: vm
    state: listed
    meters:
      - name: hours
        title: Hours
        unit: hour
        prices:
          - {from: 2026-01-01T00:00:00Z, amount: "0.50", currency: USD}
""",
}
USAGE = """tenant,product,meter,resource,started_at,ended_at,quantity
s,vm,hours,r,2026-10-02T00:00:00Z,2026-10-02T01:00:00Z,3
w,vm,hours,r,2026-10-02T01:00:00Z,2026-10-02T02:00:00Z,4
d,vm,hours,r,2026-10-02T02:00:00Z,2026-10-02T03:00:00Z,5
"""
TIERED = (
    '          - {from: 2026-10-02T01:00:00Z, tiers: [{up_to: "2", amount: "0"}, {amount: "0.40"}], currency: USD}\n'
)
AGREED = (
    'agreements:\n  - {department: shop, meter: vm/hours, from: 2026-10-01T00:00:00Z, amount: "0.30", currency: USD}\n'
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Books with three usage records of October, and the YAML that they were made with."""
    (tmp_path / "usage").mkdir()
    (tmp_path / "usage" / "usage-2026-10-02.csv").write_text(USAGE)
    config = tmp_path / "config"
    config.mkdir()
    for name, text in FILES.items():
        (config / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        patch.setenv("TWINLEDGER_HOME", str(tmp_path / "home"))
        patch.setenv("TWINLEDGER_CONFIG", str(config))
        for command in (("store", "upgrade"), ("catalog", "apply"), ("ingest",)):
            result = run(*command)
            assert result.exit_code == 0, result.output
        yield config


def test_a_plan_says_both_prices_and_what_is_rated_again_and_writes_nothing(folder: Path) -> None:
    (folder / "catalog.yaml").write_text(FILES["catalog.yaml"] + TIERED)
    (change,) = said("catalog", "plan")
    assert (change["action"], change["kind"]) == ("added", "price")
    assert change["effect"] == ("0.00 USD up to 2, then 0.40 USD from 2026-10-02 01:00 UTC, instead of 0.50 USD")
    assert change["rated_again"] == [{"period": "2026-10", "records": 2}]
    assert said("catalog", "plan") == [change]
    assert said("catalog", "apply") == [change]
    assert said("catalog", "plan") == []


def test_an_agreement_concerns_its_department_and_those_below(folder: Path) -> None:
    (folder / "agreements.yaml").write_text(AGREED)
    (change,) = said("catalog", "apply")
    assert change["effect"] == "shop and those below pay 0.30 USD from 2026-10-01 00:00 UTC"
    assert change["rated_again"] == [{"period": "2026-10", "records": 2}]
    prices = {name: said("catalog", "show", "--department", name)[0]["price"] for name in ("shop", "web", "data")}
    assert prices == {"shop": "0.30 USD", "web": "0.30 USD", "data": "0.50 USD"}
    assert "0.30 USD (agreed)" in run("catalog", "show", "--department", "web").output


def test_a_meter_shows_its_prices_newest_first(folder: Path) -> None:
    (folder / "catalog.yaml").write_text(FILES["catalog.yaml"] + TIERED)
    said("catalog", "apply")
    versions = said("catalog", "show", "vm/hours")
    assert [(one["effective_from"], one["effective_to"], one["price"]) for one in versions] == [
        ("2026-10-02T01:00:00+00:00", None, "0.00 USD up to 2, then 0.40 USD"),
        ("2026-01-01T00:00:00+00:00", "2026-10-02T01:00:00+00:00", "0.50 USD"),
    ]
    unknown = run("catalog", "show", "vm/cards")
    assert (unknown.exit_code, "no meter named 'vm/cards'" in unknown.output) == (2, True)


def test_a_draft_is_not_shown_and_a_product_never_goes_back(folder: Path) -> None:
    (folder / "catalog.yaml").write_text(FILES["catalog.yaml"].replace("state: listed", "state: draft"))
    refused = run("catalog", "plan")
    assert refused.exit_code == 2
    assert "product vm is listed, the configuration has draft" in " ".join(refused.output.split())
    other = FILES["catalog.yaml"].replace("products:\n", "").replace("name: vm", "name: new")
    (folder / "catalog.yaml").write_text(FILES["catalog.yaml"] + other.replace("state: listed", "state: draft"))
    assert {change["kind"] for change in said("catalog", "apply")} == {"product", "meter", "price"}
    assert [one["product"] for one in said("catalog", "show")] == ["vm"]


def test_a_retired_product_says_until_when_and_what_it_no_longer_charges(folder: Path) -> None:
    retired = "state: retired\n    retired_at: 2026-10-02T02:00:00Z"
    (folder / "catalog.yaml").write_text(FILES["catalog.yaml"].replace("state: listed", retired))
    (change,) = said("catalog", "apply")
    assert change["effect"] == "listed -> retired; takes no usage from 2026-10-02 02:00 UTC on"
    assert change["rated_again"] == [{"period": "2026-10", "records": 1}]
    assert "no usage from 2026-10-02 02:00 UTC" in " ".join(run("catalog", "show").output.split())
