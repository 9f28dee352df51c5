"""Aliases, contract cards and commitments, from YAML to the store and to what models read."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from twinledger.catalog import apply_config, company, load_config
from twinledger.clock import FixedClock
from twinledger.store import Store, models
from twinledger.vocabulary.errors import InvalidConfigError
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import ROOT, Settings

POOLS = """
pools:
  - {name: kube, title: K, owner: ada, rules: [{column: ServiceName, equals: [EC2]}]}
  - {name: own, title: O, owner: ada, kind: direct, rules: [{column: ServiceName, equals: [RDS]}]}
"""
ALIAS = "aliases: [{name: node, pool: kube, billed: i-1, metered: [b, a], from: 2026-08, to: 2026-10}]"
CARD = "contracts: [{id: c, vendor: V, sku: m1, from: 2026-01-01, unit_price: '1', currency: USD, clause: x}]"
PROMISE = (
    "commitments: [{id: p, vendor: V, kind: spend, amount: '9', per: month, sku: m1, from: 2026-01-01, to: 2027-01-01,"
    " currency: USD, clause: x}]"
)


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def relation(store: Store, name: str, period: str = "2026-09") -> list[tuple[object, ...]]:
    with store.reading() as session:
        found = company(session, Period.parse(period), Settings())
    return next(one.rows for one in found if one.name == name)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"aliases": ALIAS.replace("kube", "gpu")}, r"aliases\[0\]\.pool: no pool named 'gpu'"),
        ({"aliases": ALIAS.replace("kube", "own")}, r"pool 'own' is direct: only shared pools are matched"),
        ({"aliases": ALIAS.replace("[b, a]", "i-1")}, r"equal identifiers need no alias"),
        ({"aliases": ALIAS.replace("2026-10", "2026-08")}, r"expected `to`, the first month"),
        ({"aliases": ALIAS.replace("node", "confirmed-1")}, r"names that begin with 'confirmed-'"),
        ({"aliases": ALIAS.replace("[b, a]", "[b, b]")}, r"an identifier stands there twice"),
        ({"contracts": CARD.replace("sku: m1, ", "")}, r"expected either a sku or rules"),
        ({"contracts": CARD.replace("clause", "discount: '0.1', clause")}, r"one of unit_price, discount and tiers"),
        ({"contracts": CARD.replace("unit_price: '1'", "discount: '0.1'")}, r"none with a discount"),
        ({"contracts": CARD.replace("unit_price: '1', currency: USD", "discount: '1'")}, r"is no discount"),
        ({"contracts": CARD.replace("'1'", "'-1'")}, r"below zero"),
        ({"contracts": CARD.replace("unit_price: '1'", "tiers: [{unit_price: '1'}]")}, r"expected two tiers or more"),
        ({"contracts": CARD.replace("sku: m1", "rules: [{column: Tags.x, equals: [y]}]")}, r"rules\[0\]\.column"),
        (
            {"contracts": CARD[:-1] + ", " + CARD[len("contracts: [") :].replace("id: c", "id: d")},
            r"contracts\[1\]: 'c' agrees on the same SKU and region at the same time",
        ),
        ({"contracts": PROMISE.replace("sku: m1, ", "")}, r"expected one of commitment, sku and rules"),
        ({"contracts": PROMISE.replace("kind: spend", "kind: quantity")}, r"a unit with quantity"),
        ({"contracts": PROMISE.replace("'9'", "'0'")}, r"is not above zero"),
    ],
)
def test_what_contradicts_itself_is_refused_with_its_place(
    tmp_path: Path, files: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InvalidConfigError, match=sentence):
        load_config(write(tmp_path, pools=POOLS, **files))


def test_the_example_shows_every_form() -> None:
    config = load_config(ROOT / "config")
    assert [len(one.billed) + len(one.metered) for one in config.aliases] == [2, 3]
    assert {bool(one.discount) + 2 * bool(one.tiers) for one in config.contracts} == {0, 1, 2}
    assert {one.kind for one in config.commitments} == {"spend", "quantity"}


def test_aliases_hold_for_whole_months_and_those_that_somebody_confirmed_are_not_the_files_to_change(
    store: Store, tmp_path: Path, clock: FixedClock
) -> None:
    folder = write(tmp_path, pools=POOLS, aliases=ALIAS)
    apply_config(store, load_config(folder), clock)
    assert relation(store, "resource_aliases", "2026-10") == []
    assert relation(store, "resource_aliases") == [
        ("node", "kube", "group", "billed", "i-1"),
        ("node", "kube", "group", "metered", "a"),
        ("node", "kube", "group", "metered", "b"),
    ]
    with store.transaction() as session:
        row = models.ResourceAlias(
            name="confirmed-1", pool="kube", billed=["x"], metered=["y"], effective_from="2026-09", note="",
            confirmed_by="ada", confirmed_at=datetime(2026, 9, 1, tzinfo=UTC),
        )  # fmt: skip
        session.add(row)
    assert apply_config(store, load_config(folder), clock) == []
    write(folder, aliases="aliases: []")
    (change,) = apply_config(store, load_config(folder), clock)
    assert (change.action, change.kind, change.name) == ("retired", "resource alias", "node")
    assert [one[0] for one in relation(store, "resource_aliases")] == ["confirmed-1", "confirmed-1"]


def test_cards_are_rules_and_the_nearest_one_is_chosen_first(store: Store, tmp_path: Path, clock: FixedClock) -> None:
    contracts = """
contracts:
  - {id: a-all, vendor: V, rules: [{column: ServiceName, prefix: EC}], from: 2026-01-01, discount: "0.1", clause: x}
  - {id: b-any, vendor: V, sku: m1, from: 2026-01-01, currency: EUR, clause: x,
     tiers: [{up_to: "10", unit_price: "2"}, {unit_price: "1"}]}
  - {id: c-west, vendor: V, sku: m1, region: west, from: 2026-01-01, unit_price: "1", currency: USD, clause: x}
commitments:
  - {id: p, vendor: V, kind: quantity, unit: h, amount: "9", per: term, commitment: arn, from: 2026-01-01,
     to: 2027-01-01, clause: x}
"""
    folder = write(tmp_path, pools=POOLS, contracts=contracts)
    (folder / "rates.csv").write_text(
        "kind,day,currency,quote,rate,origin\nperiod,2026-09-01,EUR,USD,1.25,x\n", encoding="utf-8"
    )
    apply_config(store, load_config(folder), clock)
    assert apply_config(store, load_config(folder), clock) == []
    cards = relation(store, "contract_cards")
    assert [(row[0], row[-1]) for row in cards] == [("c-west", 1), ("b-any", 2), ("a-all", 3)]
    assert [row[8] for row in cards] == [Decimal(1), Decimal("1.25"), None]
    assert relation(store, "contract_rules") == [
        ("card", "a-all", "V", 1, "ServiceName", "prefix", "EC"),
        ("card", "b-any", "V", 1, "SkuMeter", "equals", "m1"),
        ("card", "c-west", "V", 1, "SkuMeter", "equals", "m1"),
        ("card", "c-west", "V", 2, "RegionId", "equals", "west"),
    ]
    assert [row[1:] for row in relation(store, "contract_tiers")] == [(0, 10, 2), (10, None, 1)]
