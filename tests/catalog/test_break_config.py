"""breaks.yaml, and tolerances by age in pools.yaml: what may stand there, and what is said of what may not."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from twinledger.catalog import apply_config, load_config, plan_config
from twinledger.clock import FixedClock
from twinledger.store import Store, models
from twinledger.vocabulary.errors import InvalidConfigError

PEOPLE = "people:\n  - {name: mary, title: Mary Shaw, roles: [finance]}\n"
POOLS = """
pools:
  - name: cluster
    title: Cluster
    owner: mary
    rules: [{column: ServiceName, equals: [Compute]}]
    tolerance:
      idle: TOLERANCE
"""


def folder(tmp_path: Path, breaks: str, tolerance: str = "{}") -> Path:
    (tmp_path / "people.yaml").write_text(PEOPLE)
    (tmp_path / "pools.yaml").write_text(POOLS.replace("TOLERANCE", tolerance))
    (tmp_path / "breaks.yaml").write_text(breaks)
    return tmp_path


@pytest.mark.parametrize(
    ("breaks", "sentence"),
    [
        ("owners: [{owner: zoe}]", r"owners\[0\].owner: no person named 'zoe' in people.yaml"),
        ("owners: [{owner: mary, pools: [moon]}]", r"owners\[0\].pools: no pool named 'moon' in pools.yaml"),
        ("owners: [{owner: mary, rules: [luck]}]", r"owners\[0\]: no rule named 'luck': expected one of currency"),
        ("owners: [{owner: mary, at_least: '-1'}]", r"owners\[0\]: expected at_least of 0 or more"),
        ("owners: [{owner: mary, region: eu}]", r"owners\[0\].region: unknown key"),
        ("priorities: [{name: urgent, at_least: '1'}]", r"priorities\[0\].name"),
        (
            "priorities: [{name: high, at_least: '1'}, {name: critical, at_least: '9'}]",
            "file: expected priorities in the order critical, high, medium",
        ),
    ],
)
def test_a_mistake_in_breaks_yaml_is_named(tmp_path: Path, breaks: str, sentence: str) -> None:
    with pytest.raises(InvalidConfigError, match=f"breaks.yaml: {sentence}"):
        load_config(folder(tmp_path, breaks))


@pytest.mark.parametrize(
    ("tolerance", "sentence"),
    [
        ("{by_age: [{from_days: 8, above: '1'}, {from_days: 8, above: '2'}]}", "expected by_age in order of from_days"),
        ("{by_age: [{from_days: 8}]}", "expected above, below or relative beside from_days"),
        ("{by_age: [{from_days: 8, below: '-1'}]}", "expected tolerances of 0 or more"),
        ("{by_age: [{above: '1'}]}", "Field required"),
    ],
)
def test_a_mistake_in_a_tolerance_by_age_is_named(tmp_path: Path, tolerance: str, sentence: str) -> None:
    with pytest.raises(InvalidConfigError, match=rf"pools.yaml: pools\[0\].tolerance.idle.*{sentence}"):
        load_config(folder(tmp_path, "", tolerance))


def test_rules_and_priorities_are_applied_changed_and_taken_away(
    tmp_path: Path, store: Store, clock: FixedClock
) -> None:
    both = "owners: [{owner: mary, rules: [idle], at_least: '5'}]\npriorities: [{name: critical, at_least: '9.50'}]"
    config = load_config(folder(tmp_path, both, "{above: '9', by_age: [{from_days: 8, above: '1'}]}"))
    apply_config(store, config, clock)
    assert plan_config(store, config) == []
    with store.reading() as session:
        rule, urgent = session.get_one(models.BreakOwner, 1), session.get_one(models.BreakPriority, "critical")
        assert (rule.owner, rule.rules, rule.at_least, str(urgent.at_least.normalize())) == (
            "mary",
            ["idle"],
            Decimal(5),
            "9.5",
        )
        tolerance = session.get_one(models.Pool, "cluster").tolerance
    assert tolerance == {"idle": {"above": "9", "by_age": [{"from_days": 8, "above": "1"}]}}
    apply_config(store, load_config(folder(tmp_path, "")), clock)
    with store.reading() as session:
        assert (session.query(models.BreakOwner).count(), session.query(models.BreakPriority).count()) == (0, 0)
