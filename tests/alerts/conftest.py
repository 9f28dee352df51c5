"""A company whose alerts are in the store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from twinledger.clock import FixedClock
from twinledger.store import Store
from twinledger.store.models import Department, Person
from twinledger.vocabulary.settings import Settings

RULES = """
rules:
  - {name: used, kind: used, above_percent: "100", repeat: {percent: "10"}, escalate_after_hours: 12}
  - {name: nearly, kind: used, above_percent: "80", tell: digest}
  - {name: unusual, kind: anomaly, at_least: "50"}
"""


@dataclass(frozen=True)
class Desk:
    """What alerts need of a deployment."""

    settings: Settings
    store: Store
    clock: FixedClock


def populate(store: Store) -> None:
    """Ada owns the group, Bob the shop below it; Hugo holds the shop's budget, Fay is of finance, Eve of nothing."""
    with store.transaction() as session:
        for name, roles in (("ada", []), ("bob", []), ("hugo", []), ("eve", []), ("fay", ["finance"])):
            user = f"U0{name.upper()}"
            session.add(Person(name=name, title=name.title(), slack_user=user, airflow_user=name, roles=roles))
        for name, parent, owner, holder in (("group", None, "ada", "ada"), ("shop", "group", "bob", "hugo")):
            session.add(
                Department(
                    name=name, title=name.title(), parent=parent, cost_centre="1", owner=owner, budget_holder=holder,
                    channel=f"#{name}", tenants=[],
                )
            )  # fmt: skip
            session.flush()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    config = tmp_path / "config"
    config.mkdir()
    (config / "alerts.yaml").write_text(RULES)
    return Settings.model_validate({"home": tmp_path, "config": config, "timezone": "Europe/Berlin"})


@pytest.fixture
def desk(store: Store, settings: Settings, clock: FixedClock) -> Desk:
    """Tuesday, 20 October 2026, 11:00 in Berlin."""
    populate(store)
    return Desk(settings, store, clock)
