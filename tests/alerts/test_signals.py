"""When a rule holds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.alerts.made import TREE, UNUSUAL, USED, ZONE, anomaly, position, rules, usd
from twinledger.alerts.alert import Signal
from twinledger.alerts.signals import signals
from twinledger.anomalies import Anomaly
from twinledger.budgets import Position


def _found(rule: dict[str, Any], *subjects: Position | Anomaly, **file: Any) -> list[Signal]:  # noqa: ANN401 - YAML
    positions = [one for one in subjects if isinstance(one, Position)]
    anomalies = [one for one in subjects if isinstance(one, Anomaly)]
    return signals(rules(rule, **file), positions, anomalies, TREE, ZONE)


def _fires(rule: dict[str, Any], *subjects: Position | Anomaly) -> bool:
    return any(one.fires for one in _found(rule, *subjects))


@pytest.mark.parametrize(("actual", "committed", "fires"), [("800", "0", False), ("800", "0.01", True)])
def test_what_is_spent_and_committed_counts_as_used(actual: str, committed: str, *, fires: bool) -> None:
    rule = USED | {"above_percent": "80"}
    assert _fires(rule, position(actual, committed=usd(committed))) is fires


def test_any_spending_is_above_a_plan_of_nothing() -> None:
    assert _fires(USED, position("0.01", plan=usd(0)))
    assert not _fires(USED, position("0", plan=usd(0)))


@pytest.mark.parametrize(
    ("conditions", "expected", "lowest", "fires"),
    [
        ({"above_percent": "5"}, 1050, 900, False),
        ({"above_percent": "5"}, 1051, 900, True),
        ({"above_percent": "5", "above_amount": "100"}, 1100, 900, False),
        ({"above_percent": "5", "above_amount": "100"}, 1101, 900, True),
        ({"above_percent": "5", "surely": True}, 1200, 1050, False),
        ({"above_percent": "5", "surely": True}, 1200, 1051, True),
    ],
)
def test_a_forecast_is_above_the_plan_by_a_share_an_amount_and_surely(
    conditions: dict[str, Any], expected: int, lowest: int, *, fires: bool
) -> None:
    rule = {"name": "ends-above", "kind": "forecast", **conditions}
    assert _fires(rule, position(500, expected=usd(expected), lowest=usd(lowest))) is fires


@pytest.mark.parametrize(
    ("day", "actual", "fires"), [(9, 900, False), (10, "645.15", False), (10, "645.18", True), (31, 1500, False)]
)
def test_a_pace_is_held_against_the_days_that_are_gone(day: int, actual: int | str, *, fires: bool) -> None:
    rule = {"name": "fast", "kind": "pace", "times": "2", "after_day": 10}
    assert _fires(rule, position(actual, known_through=date(2026, 10, day))) is fires


def test_a_pace_is_told_against_the_plan_until_now() -> None:
    rule = {"name": "fast", "kind": "pace", "times": "1.5", "after_day": 3}
    (found,) = _found(rule, position(700, known_through=date(2026, 10, 10)))
    assert (str(found.expected), str(found.impact)) == ("322.58", "377.42")


@pytest.mark.parametrize(
    ("impact", "direction", "fires"),
    [(49, "both", False), (50, "both", True), (-50, "up", False), (-50, "both", True), (50, "down", False)],
)
def test_an_anomaly_counts_from_so_much_money_on_in_its_direction(impact: int, direction: str, *, fires: bool) -> None:
    assert _fires(UNUSUAL | {"direction": direction}, anomaly(impact)) is fires


def test_an_anomaly_counts_from_so_many_percent_on_too() -> None:
    assert not _fires(UNUSUAL | {"above_percent": "80"}, anomaly(79))
    assert _fires(UNUSUAL | {"above_percent": "80"}, anomaly(80))


def test_what_is_just_below_its_threshold_keeps_an_alert_open_and_opens_none() -> None:
    (found,) = _found(USED, position(951), hysteresis_percent="5")
    assert not found.fires
    assert not _found(USED, position(950), hysteresis_percent="5")


@pytest.mark.parametrize(
    ("conditions", "fires"),
    [
        ({"departments": ["shop"]}, True),
        ({"departments": ["group"]}, True),
        ({"departments": ["web"]}, False),
        ({"budgets": ["shop"]}, True),
        ({"budgets": ["other"]}, False),
        ({"view": "effective"}, False),
        ({"at_least": "1000"}, True),
        ({"at_least": "1000.01"}, False),
    ],
)
def test_a_rule_is_about_what_it_names_and_departments_below(conditions: dict[str, Any], *, fires: bool) -> None:
    assert _fires(USED | conditions, position(1500)) is fires


def test_an_alert_keeps_its_identity_while_its_figures_change() -> None:
    (first,), (second,) = _found(USED, position(1100)), _found(USED, position(1200, title="The shop"))
    (finance,) = _found(USED, position(1100, view="effective"))
    assert first.identity == second.identity != finance.identity


def test_an_anomaly_is_named_by_the_local_day_or_hour_of_its_beginning() -> None:
    (by_day,) = _found(UNUSUAL, anomaly(90))
    (by_hour,) = _found(UNUSUAL, anomaly(90, start=datetime(2026, 10, 18, 3, tzinfo=UTC)))
    assert (by_day.place.period, by_hour.place.period) == ("2026-10-18", "2026-10-18 05:00")


def test_a_large_plan_loses_no_digit() -> None:
    plan = "12345678901234567890.123456789012345678"
    (found,) = _found(USED, position("12345678901234567890.123456789012345679", plan=usd(plan)))
    assert str(found.impact) == "1E-18"


LESS = {"name": "nearly", "kind": "used", "above_percent": "80", "unless": ["used"]}


def _of_two(actual: int) -> dict[str, tuple[bool, str]]:
    found = signals(rules(USED, LESS), [position(actual)], [], TREE, ZONE)
    return {one.rule: (one.fires, one.answer) for one in found}


def test_a_rule_is_superseded_where_one_that_says_more_fires() -> None:
    assert _of_two(900) == {"nearly": (True, "")}
    assert _of_two(1001) == {"used": (True, ""), "nearly": (False, "superseded")}


def test_a_rule_that_only_keeps_its_alert_open_supersedes_nothing() -> None:
    assert _of_two(990) == {"used": (False, ""), "nearly": (True, "")}


def test_a_rule_of_another_budget_or_view_supersedes_nothing() -> None:
    others = [position(1500, budget="web", title="Web"), position(1500, view="effective"), position(900)]
    found = signals(rules(USED, LESS), others, [], TREE, ZONE)
    assert [(one.place.subject, one.place.view) for one in found if one.rule == "nearly" and one.fires] == [
        ("shop", "internal")
    ]
