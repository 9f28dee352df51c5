"""Which rules hold: from positions and anomalies to signals.

What belongs here: thresholds, and the hysteresis below them. What does not: what becomes of a signal (`decide`).

All arithmetic is exact, and by multiplication alone: a plan of 0 needs no exception.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import NamedTuple
from zoneinfo import ZoneInfo

from twinledger.alerts.alert import Answer, Cause, Place, Signal
from twinledger.alerts.routing import Tree
from twinledger.alerts.rules import AlertsFile, AnomalyRule, BudgetRule, ForecastRule, PaceRule, Rule, UsedRule
from twinledger.anomalies import Anomaly
from twinledger.budgets import Position
from twinledger.vocabulary.money import exact_sum, smallest_unit

_EXACT = Context(prec=120)
_HUNDRED = Decimal(100)


class Level(NamedTuple):
    """What a rule measures, from where on it holds, and what a message compares."""

    measure: Decimal
    threshold: Decimal
    actual: Decimal
    expected: Decimal


def signals(
    file: AlertsFile, positions: Iterable[Position], unusual: Iterable[Anomaly], tree: Tree, zone: str
) -> list[Signal]:
    """Every rule that holds for a position or an anomaly, and those within their hysteresis, for open alerts.

    Args:
        file: the rules.
        positions: of budgets; several spans of one budget are several positions.
        unusual: anomalies that are open, or were answered.
        tree: the departments, for rules of a department and those below it.
        zone: the company's accounting time zone.
    """
    of_budgets = [rule for rule in file.rules if not isinstance(rule, AnomalyRule)]
    of_series = [rule for rule in file.rules if isinstance(rule, AnomalyRule)]
    wanted = _wanted(tree)
    found = [
        signal
        for position in positions
        for signal in _of_rules(
            file, [rule for rule in of_budgets if wanted(rule, position.budget, position.department, position.view)],
            position, zone,
        )
    ]  # fmt: skip
    found += [
        signal
        for anomaly in unusual
        for rule in of_series
        if wanted(rule, anomaly.series, anomaly.department, anomaly.view)
        and (signal := _of_anomaly(file, rule, anomaly, zone))
    ]
    return found


def place_of(position: Position) -> Place:
    """What alerts of a position are of."""
    return Place(position.budget, position.view, position.period)


def known_until(position: Position, zone: str) -> datetime:
    """The first instant of which a position knows nothing final, in UTC."""
    after = position.known_through + timedelta(days=1)
    return datetime.combine(after, time(0), ZoneInfo(zone)).astimezone(UTC)


# --- budgets ---------------------------------------------------------------------------------


def _wanted(tree: Tree) -> Callable[[Rule, str, str, str], bool]:
    """Whether a rule is about a subject of a department; ancestors are found once for each department."""
    above: dict[str, frozenset[str]] = {}

    def wanted(rule: Rule, subject: str, department: str, view: str) -> bool:
        subjects = rule.series if isinstance(rule, AnomalyRule) else rule.budgets
        if (subjects and subject not in subjects) or rule.view not in (None, view):
            return False
        if not rule.departments:
            return True
        if department not in above:
            above[department] = frozenset(node.name for node in tree.with_those_above(department))
        return not above[department].isdisjoint(rule.departments)

    return wanted


def _of_rules(file: AlertsFile, rules: Sequence[BudgetRule], one: Position, zone: str) -> Iterator[Signal]:
    """What rules hold of one position; a rule is answered where one that says more fires."""
    found = [(rule, signal) for rule in rules if (signal := _of_position(file, rule, one, zone))]
    fire = {rule.name for rule, signal in found if signal.fires}
    for rule, signal in found:
        yield signal if fire.isdisjoint(rule.unless) else replace(signal, fires=False, answer="superseded")


def _of_position(file: AlertsFile, rule: BudgetRule, one: Position, zone: str) -> Signal | None:
    if one.plan.amount < rule.at_least:
        return None
    level = _level(rule, one)
    if level is None:
        return None
    fires = level.measure > level.threshold
    if not fires and not _keeps(level.measure, level.threshold, file.hysteresis_percent):
        return None
    return Signal(
        rule=rule.name,
        kind=rule.kind,
        place=place_of(one),
        title=one.title,
        department=one.department,
        ends_on=one.last_day,
        actual=level.actual,
        expected=level.expected,
        currency=one.plan.currency,
        since=one.over_since,
        causes=tuple(Cause(cause.name, cause.amount.amount) for cause in one.causes),
        reason="",
        anomaly="",
        data_as_of=known_until(one, zone),
        fires=fires,
    )


def _level(rule: BudgetRule, one: Position) -> Level | None:
    """None where a rule does not look at a position."""
    plan = one.plan.amount
    match rule:
        case UsedRule():
            used = exact_sum((one.actual.amount, one.committed.amount))
            return Level(used, _part(plan, rule.above_percent, _HUNDRED), used, plan)
        case ForecastRule():
            above = max(_part(plan, rule.above_percent, _HUNDRED), rule.above_amount)
            measure = one.lowest.amount if rule.surely else one.expected.amount
            return Level(measure, exact_sum((plan, above)), one.expected.amount, plan)
        case PaceRule():
            return _pace(rule, one)


def _pace(rule: PaceRule, one: Position) -> Level | None:
    """Expected is what the plan has for the days that are gone, in the currency's smallest unit."""
    days, gone = (one.last_day - one.first_day).days + 1, (one.known_through - one.first_day).days + 1
    if one.plan.amount <= 0 or not rule.after_day <= gone <= days:
        return None
    by_now = _part(one.plan.amount, Decimal(gone), Decimal(days), smallest_unit(one.plan.currency))
    return Level(one.actual.amount, _part(by_now, rule.times, Decimal(1)), one.actual.amount, by_now)


def _part(amount: Decimal, times: Decimal, of: Decimal, unit: Decimal | None = None) -> Decimal:
    with localcontext(_EXACT):
        part = amount * times / of
        return part if unit is None else part.quantize(unit, ROUND_HALF_UP)


def _keeps(measure: Decimal, threshold: Decimal, hysteresis: Decimal) -> bool:
    """Whether it is not far enough below the threshold to be over."""
    return measure > _part(threshold, _HUNDRED - hysteresis, _HUNDRED)


# --- anomalies -------------------------------------------------------------------------------


def _of_anomaly(file: AlertsFile, rule: AnomalyRule, one: Anomaly, zone: str) -> Signal | None:
    impact = one.impact.amount
    if one.state == "over" or not _is_towards(rule, impact):
        return None
    size = impact.copy_abs()
    threshold = max(rule.at_least, _part(one.expected.amount.copy_abs(), rule.above_percent, _HUNDRED))
    fires = size >= threshold
    if not fires and not _keeps(size, threshold, file.hysteresis_percent):
        return None
    began = one.start.astimezone(ZoneInfo(zone))
    return Signal(
        rule=rule.name,
        kind="anomaly",
        place=Place(one.series, one.view, _beginning(began)),
        title=one.title,
        department=one.department,
        ends_on=None,
        actual=one.actual.amount,
        expected=one.expected.amount,
        currency=one.actual.currency,
        since=began.date(),
        causes=tuple(Cause(cause.name, cause.change.amount) for cause in one.causes),
        reason=one.reason,
        anomaly=one.id,
        data_as_of=one.known_through,
        fires=fires,
        answer=_answer(one),
    )


def _is_towards(rule: AnomalyRule, impact: Decimal) -> bool:
    return (impact > 0 and rule.direction != "down") or (impact < 0 and rule.direction != "up")


def _beginning(began: datetime) -> str:
    """The day, as 2026-10-12; of a series by the hour, the hour too."""
    return f"{began:%Y-%m-%d}" if began.time() == time(0) else f"{began:%Y-%m-%d %H:%M}"


def _answer(one: Anomaly) -> Answer:
    if one.state != "dismissed":
        return ""
    return "planned" if one.answer == "planned" else "dismissed"
