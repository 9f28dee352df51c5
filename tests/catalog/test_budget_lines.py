"""Lines of budgets.yaml: what they may be of, in whose amounts, and how they reach the store."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, text

from twinledger.catalog import apply_config, load_config, plan_config
from twinledger.clock import FixedClock
from twinledger.store import Store, models
from twinledger.store.roles import queries_for_everyone
from twinledger.vocabulary.errors import InvalidConfigError

FILES = {
    "people.yaml": "people: [{name: ada, title: Ada}]",
    "departments.yaml": """departments:
  - {name: shop, title: Shop, cost_centre: "1", owner: ada, budget_holder: ada, channel: "#shop"}
""",
    "pools.yaml": "pools: [{name: p, title: P, owner: ada, rules: [{column: ServiceName, equals: [EC2]}]}]",
    "catalog.yaml": """products:
  - {name: vm, title: VM, description: d, owner: ada, pool: p, state: listed}
  - {name: gpu, title: GPU, description: d, owner: ada, pool: p, state: listed}
""",
}
GROUPS = "groups: {compute: [vm, gpu]}\n"


def folder(place: Path, lines: str, groups: str = GROUPS) -> Path:
    for name, content in FILES.items():
        (place / name).write_text(content)
    (place / "budgets.yaml").write_text(f"{groups}budgets:\n{lines}")
    return place


def entry(said: str) -> str:
    return f'  - {{{said}, period: 2026-Q4, amount: "300.00", currency: USD}}\n'


def test_lines_reach_the_store_with_their_scope_and_view_and_leave_it_again(
    store: Store, clock: FixedClock, tmp_path: Path
) -> None:
    lines = (
        entry("name: gpus, title: GPU training, department: shop, group: compute")
        + entry('name: prod, account: "0011", tag: {env: prod}')
        + entry("name: whole, view: effective")
        + entry("department: shop")
    )
    config = load_config(folder(tmp_path, lines))
    added = [one.name for one in apply_config(store, config, clock) if one.kind == "budget line"]
    assert added == ["gpus 2026-Q4", "prod 2026-Q4", "whole 2026-Q4"]
    assert len(config.budgets) == 3
    with store.reading() as session:
        found = {
            one.name: (one.title, one.view, one.department, one.scope)
            for one in session.scalars(select(models.BudgetLine))
        }
    assert found == {
        "gpus": ("GPU training", "internal", "shop", {"product": ["gpu", "vm"]}),
        "prod": ("prod", "effective", "", {"account": ["0011"], "tag": {"env": ["prod"]}}),
        "whole": ("whole", "effective", "", {}),
    }
    with store.reading() as session:
        everyone = session.execute(text(str(queries_for_everyone("budget_lines")))).mappings().all()
    assert [one["name"] for one in everyone] == ["gpus"]
    assert plan_config(store, config) == []

    (tmp_path / "budgets.yaml").write_text(GROUPS + "budgets:\n" + entry("name: gpus, product: gpu"))
    changes = {(one.action, one.name, one.fields) for one in apply_config(store, load_config(tmp_path), clock)}
    assert ("changed", "gpus 2026-Q4", ("title", "department", "scope")) in changes
    assert ("retired", "prod 2026-Q4", ()) in changes
    with store.reading() as session:
        assert list(session.scalars(select(models.BudgetLine.name))) == ["gpus"]
        changed = select(models.AuditEntry.subject).where(models.AuditEntry.action == "config.changed")
        assert "budget line gpus 2026-Q4" in session.scalars(changed).all()


WRONG = {
    "name: gpus, product: vmm": r"budgets, gpus 2026-Q4\.product: no product named 'vmm'",
    "name: gpus, group: ai": r"budgets, gpus 2026-Q4\.group: no group named 'ai'",
    "name: gpus, department: nobody": r"budgets, gpus 2026-Q4\.department: no department named 'nobody'",
    "name: shop, product: vm": r"'shop' is the name of a department",
    "name: gpus, product: vm, group: compute": r"budgets\[0\]: expected either product or group",
    "name: gpus, product: vm, region: eu": r"budgets\[0\]: region beside product: internal charges know no region",
    "name: gpus, tag: {env: a}, view: internal": r"budgets\[0\]: tag beside view: internal",
    "name: gpus, product: vm, view: effective": r"product with view: effective: vendors' charges know no product",
    "name: gpus, account: 11": r"budgets\[0\]\.account",
    'name: gpus, tag: {"a\\"b": x}': r"budgets\[0\]\.tag",
    "department: shop, product: vm": r"budgets\[0\]: the plan of a department has no product: give the line a name",
    "product: vm": r"budgets\[0\]: expected a department, or the name of a line",
}


@pytest.mark.parametrize("said", WRONG)
def test_a_line_that_cannot_be_is_named(said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match=WRONG[said]):
        load_config(folder(tmp_path, entry(said)))


def test_a_line_of_a_span_stands_there_once_and_a_group_has_products_that_there_are(tmp_path: Path) -> None:
    twice = entry("name: gpus, product: vm")
    with pytest.raises(InvalidConfigError, match="'gpus 2026-Q4' stands there twice"):
        load_config(folder(tmp_path, twice + twice))
    with pytest.raises(InvalidConfigError, match=r"groups\.ai: no product named 'vmm'"):
        load_config(folder(tmp_path, entry("department: shop"), "groups: {ai: [vm, vmm]}\n"))
