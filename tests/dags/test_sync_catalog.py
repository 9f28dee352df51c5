"""sync_catalog, run to its end: additions at once, a price that moves when finance agrees."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dags.conftest import Play
from twinledger.catalog import apply_config, load_config, price_history
from twinledger.deployment import open_books, prepare
from twinledger.metering import ingest_feed
from twinledger.vocabulary.settings import Settings

FILES = {
    "people.yaml": """people:
  - {name: carol, title: Carol, airflow_user: carol, roles: [finance]}
  - {name: erin, title: Erin, airflow_user: erin}
""",
    "departments.yaml": """departments:
  - {name: shop, title: Shop, cost_centre: "1", owner: erin, budget_holder: erin, channel: "#s", tenants: [s]}
""",
    "pools.yaml": "pools:\n  - {name: vm, title: V, owner: erin, rules: [{column: ServiceName, equals: [EC2]}]}\n",
    "sources.yaml": "sources:\n  - {name: feed, kind: usage, format: csv, place: ../usage, slice: day}\n",
    "catalog.yaml": """products:
  - name: vm
    title: Machines
    description: By the hour.
    owner: erin
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
LATER = '          - {from: 2026-10-16T00:00:00Z, amount: "0.60", currency: USD}\n'
NEW_METER = """      - name: gib
        title: GiB
        unit: gib
        prices: [{from: 2026-01-01T00:00:00Z, amount: "1", currency: USD}]
"""
USAGE = "tenant,product,meter,resource,started_at,ended_at,quantity\n" + "".join(
    f"s,vm,hours,r,2026-10-{day}T00:00:00Z,2026-10-{day}T01:00:00Z,1\n" for day in (10, 20)
)


@pytest.fixture
def settings(airflow_home: Path) -> Settings:
    """Books with a published price and usage on both sides of the one that is to come."""
    config = airflow_home / "company" / "config"
    config.mkdir(parents=True)
    for name, text in FILES.items():
        (config / name).write_text(text)
    usage = airflow_home / "company" / "usage"
    usage.mkdir()
    (usage / "usage.csv").write_text(USAGE)
    chosen = Settings().model_copy(update={"home": airflow_home / "twinledger", "config": config})
    prepare(chosen)
    with open_books(chosen) as books:
        apply_config(books.store, load_config(config), books.clock)
        ingest_feed(books, "feed")
    return chosen


def published(settings: Settings, meter: str) -> int:
    with open_books(settings) as books, books.store.reading() as session:
        return len(price_history(session, "vm", meter))


def test_a_plan_is_applied_at_once_or_when_finance_agrees(settings: Settings, play: Play) -> None:
    catalog = settings.config / "catalog.yaml"
    catalog.write_text(FILES["catalog.yaml"] + NEW_METER)
    added = play({"dag": "sync_catalog"}, {"dag": "sync_catalog"})
    first, second = (run["tasks"] for run in added["runs"])
    assert first == {"plan": ["success"], "agree": ["success"], "apply": ["success"], "publish": ["skipped"]}
    assert second["plan"] == ["skipped"], "nothing changed"
    assert (published(settings, "gib"), added["events"]) == (1, [])

    catalog.write_text(FILES["catalog.yaml"] + LATER + NEW_METER)
    moved = play({"dag": "sync_catalog", "answers": [["erin", "Approve"], ["carol", "Approve"]]})
    assert moved["runs"][0]["tasks"] == {task: ["success"] for task in ("plan", "agree", "apply", "publish")}
    assert (published(settings, "hours"), moved["events"]) == (2, [["usage", "2026-10"]])


def test_a_refused_plan_changes_nothing_and_is_not_asked_again(settings: Settings, play: Play) -> None:
    (settings.config / "catalog.yaml").write_text(FILES["catalog.yaml"] + LATER)
    played = play({"dag": "sync_catalog", "answers": [["carol", "Reject"]]}, {"dag": "sync_catalog"})
    refused, again = (run["tasks"] for run in played["runs"])
    assert refused == {"plan": ["success"], "agree": ["success"], "apply": ["skipped"], "publish": ["skipped"]}
    assert again["plan"] == ["skipped"]
    assert (published(settings, "hours"), played["events"]) == (1, [])
