"""policy.yaml: what may stand there, what is said of what may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from twinledger.catalog import apply_config, load_config, plan_config
from twinledger.clock import FixedClock
from twinledger.store import Store, models
from twinledger.vocabulary.errors import InvalidConfigError

COMPANY = {
    "people": "people: [{name: mary, title: Mary, roles: [finance]}]",
    "departments": "departments: [{name: shop, title: Shop, cost_centre: '1', owner: mary, budget_holder: mary, "
    "channel: '#shop'}]",
    "pools": "pools: [{name: cluster, title: C, owner: mary, rules: [{column: ServiceName, equals: [Compute]}]}]",
    "catalog": "products: [{name: vm, title: VM, description: d, owner: mary, pool: cluster, state: listed, meters: "
    "[{name: hours, title: H, unit: hour, prices: [{from: 2026-01-01T00:00:00Z, amount: '0.05', currency: USD}]}]}]",
}


def folder(tmp_path: Path, policy: str) -> Path:
    for name, text in COMPANY.items():
        (tmp_path / f"{name}.yaml").write_text(text + "\n")
    (tmp_path / "policy.yaml").write_text(policy)
    return tmp_path


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ("{name: a, then: maybe}", r"rules\[0\].then"),
        ("{name: a, then: refuse}", r"rules\[0\]: expected a reason: who is refused must know what to do"),
        ("{name: a, then: allow, when: {amount: {}}}", r"rules\[0\].when.amount: expected at_least, below or both"),
        (
            "{name: a, then: allow, when: {amount: {at_least: '5', below: '5'}}}",
            r"rules\[0\].when.amount: expected at_least to be less than below",
        ),
        ("{name: a, then: allow, when: {amount: {below: 0.1}}}", r"rules\[0\].when.amount.below: expected a decimal"),
        ("{name: a, then: allow, when: {hours: 22:00-06:00}}", r"rules\[0\].when: expected hours to begin before"),
        ("{name: a, then: allow, when: {hours: always}}", r"rules\[0\].when.hours"),
        ("{name: a, then: allow, when: {colour: red}}", r"rules\[0\].when.colour: unknown key"),
        (
            "{name: a, then: allow, when: {departments: [moon]}}",
            r"rules\[0\].when.departments: no department named 'moon': expected one of shop",
        ),
        ("{name: a, then: allow, when: {meters: [vm/gpus]}}", r"rules\[0\].when.meters: no meter named 'vm/gpus'"),
        (
            "{name: a, then: allow, when: {products: [vm]}}, {name: a, then: allow}",
            r"rules\[1\].name: 'a' stands there twice",
        ),
        ("{name: a, then: allow}, {name: b, then: allow}", r"rules\[0\]: it holds for every request"),
    ],
)
def test_a_mistake_in_policy_yaml_is_named(tmp_path: Path, rules: str, sentence: str) -> None:
    with pytest.raises(InvalidConfigError, match=f"policy.yaml: {sentence}"):
        load_config(folder(tmp_path, f"rules: [{rules}]\n"))


def test_rules_are_applied_in_their_order_and_gone_when_they_are(
    tmp_path: Path, store: Store, clock: FixedClock
) -> None:
    two = "rules: [{name: a, then: allow, when: {amount: {below: '0.10'}}}, {name: b, then: ask finance}]\n"
    changes = apply_config(store, load_config(folder(tmp_path, two)), clock)
    assert [one.name for one in changes if one.kind == "policy rule"] == ["1", "2"]
    assert plan_config(store, load_config(tmp_path)) == []
    one = "rules: [{name: b, then: ask finance}]\n"
    apply_config(store, load_config(folder(tmp_path, one)), clock)
    with store.reading() as session:
        assert [(row.position, row.name) for row in session.scalars(select(models.PolicyRule))] == [(1, "b")]
