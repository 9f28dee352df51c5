"""Positions, anomalies and a tree of departments, made for tests of alerts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from twinledger.alerts.routing import Node, Tree
from twinledger.alerts.rules import AlertsFile
from twinledger.anomalies import Anomaly, AnomalyCause
from twinledger.budgets import Cause, Position
from twinledger.vocabulary.money import Money

ZONE = "Europe/Berlin"
TUESDAY = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)
"""11:00 in Berlin."""

TREE = Tree(
    {
        "group": Node("group", None, "ada", "ada", "#group"),
        "shop": Node("shop", "group", "bob", "hugo", "#shop"),
        "web": Node("web", "shop", "cy", "cy", ""),
    },
    "#finance",
    users={"ada": "U0ADA", "bob": "U0BOB", "hugo": "U0HUGO"},
    finance=frozenset({"fay"}),
)
"""Group over shop over web, which has no channel and whose owner has no Slack user."""


def usd(amount: str | int | Decimal) -> Money:
    return Money(Decimal(amount), "USD")


def position(actual: str | int, **changes: Any) -> Position:  # noqa: ANN401 - any field
    """The shop's plan of 1,000 in October, known through the 19th unless said otherwise."""
    values = {
        "budget": "shop",
        "title": "Shop",
        "view": "internal",
        "department": "shop",
        "period": "2026-10",
        "first_day": date(2026, 10, 1),
        "last_day": date(2026, 10, 31),
        "known_through": date(2026, 10, 19),
        "plan": usd(1000),
        "actual": usd(actual),
        "committed": usd(0),
        "expected": usd(actual),
        "lowest": usd(actual),
        "highest": usd(actual),
        "causes": (Cause("m5.large", usd("12.50")),),
    }
    return Position(**{**values, **changes})


def anomaly(impact: str | int, **changes: Any) -> Anomaly:  # noqa: ANN401 - any field
    """The shop's compute was to cost 100 on the 18th."""
    start = changes.get("start", datetime(2026, 10, 17, 22, tzinfo=UTC))
    values = {
        "id": f"anomaly of {start:%Y-%m-%d}",
        "series": "shop / compute",
        "title": "Shop, compute",
        "view": "internal",
        "department": "shop",
        "shape": "spike",
        "start": start,
        "end": start,
        "actual": usd(100 + Decimal(impact)),
        "expected": usd(100),
        "causes": (AnomalyCause("resource", "i-123", usd(impact)),),
        "reason": "more usage",
        "state": "open",
        "answer": "",
        "known_through": start + timedelta(days=1),
    }
    return Anomaly(**{**values, **changes})


def rules(*given: dict[str, Any], **changes: Any) -> AlertsFile:  # noqa: ANN401 - as in YAML
    """A file of rules, as YAML would give them."""
    return AlertsFile.model_validate({"rules": list(given), **changes})


USED = {"name": "used", "kind": "used", "above_percent": "100", "repeat": {"percent": "10"}}
NEARLY = {"name": "nearly", "kind": "used", "above_percent": "80", "tell": "digest"}
UNUSUAL = {"name": "unusual", "kind": "anomaly", "at_least": "50", "repeat": {"percent": "100"}}
