"""What stands out in a month: anomalies, requests, unit costs, and findings that others made.

What belongs here: choosing and counting them for one review, as pure functions of what was read. What does not: how
they are found, and what is asked about them (`checklist`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from twinledger.anomalies import Anomaly
from twinledger.budgets import MetricConfig, UnitCost
from twinledger.reviews.read import Asked, Inputs
from twinledger.reviews.review import (
    AnomalyLine,
    Finding,
    RequestCount,
    Requests,
    UnitCostLine,
    WaitingRequest,
)
from twinledger.vocabulary.money import Money, exact_sum
from twinledger.vocabulary.periods import Period

ENDS_SOON = timedelta(days=14)
"""A grant that ends sooner is named."""

SETTLING = timedelta(days=7)
"""A grant is not called unused in its first days."""

_STATES = ("approved", "denied", "withdrawn", "expired", "superseded", "pending")


def of_month(anomaly: Anomaly, period: Period, zone: str) -> bool:
    """Whether any of an anomaly lies in a month, in the company's time zone."""
    return anomaly.start < period.end(zone) and anomaly.end >= period.start(zone)


def anomaly_lines(inputs: Inputs, found: Iterable[Anomaly], mine: Callable[[str], bool]) -> tuple[AnomalyLine, ...]:
    """Those in internal charges: what vendors charged is no department's to read."""
    chosen = (
        one
        for one in found
        if one.view == "internal" and mine(one.department) and of_month(one, inputs.period, inputs.zone)
    )
    return tuple(
        AnomalyLine(
            id=one.id,
            department=one.department,
            title=one.title,
            shape=one.shape,
            start=one.start,
            actual=one.actual,
            expected=one.expected,
            causes=tuple(cause.name for cause in one.causes),
            reason=one.reason,
            state=one.state,
            answer=one.answer,
        )
        for one in sorted(chosen, key=lambda one: (-abs(one.impact.amount), one.id))
    )


def request_counts(inputs: Inputs, mine: Callable[[str], bool]) -> Requests:
    """The requests of the month by state, and those that wait."""
    found = [one for one in inputs.requests if mine(one.view.department)]
    asked = [one for one in found if one.view.created_at >= inputs.period.start(inputs.zone)]
    waiting = (one for one in found if one.view.state == "pending")
    return Requests(
        asked=len(asked),
        amount=_amount(inputs, asked),
        states=tuple(_counts(inputs, asked)),
        waiting=tuple(_waiting(inputs, one) for one in waiting),
    )


def _counts(inputs: Inputs, asked: Sequence[Asked]) -> Iterator[RequestCount]:
    for state in _STATES:
        found = [one for one in asked if one.view.state == state]
        if found:
            yield RequestCount("waiting" if state == "pending" else state, len(found), _amount(inputs, found))


def _amount(inputs: Inputs, found: Iterable[Asked]) -> Money:
    return Money(exact_sum(one.amount.amount for one in found), inputs.currency)


def _waiting(inputs: Inputs, one: Asked) -> WaitingRequest:
    product = inputs.products.get(one.view.product) or one.view.product
    days = (inputs.now - one.view.created_at).days
    return WaitingRequest(one.view.id, one.view.department, one.view.requester, product, one.amount, days)


def unit_cost_lines(inputs: Inputs, mine: Callable[[MetricConfig], bool]) -> tuple[UnitCostLine, ...]:
    """What one unit of each metric costs, in the reporting currency."""
    return tuple(
        line
        for metric, found in inputs.metrics
        if mine(metric)
        for line in _unit_cost(metric, found, inputs.period, inputs.currency)
    )


def _unit_cost(
    metric: MetricConfig, found: Sequence[UnitCost], period: Period, currency: str
) -> Iterator[UnitCostLine]:
    by_month: Mapping[str, UnitCost] = {one.period: one for one in found if one.cost.currency == currency}
    if now := by_month.get(str(period)):
        yield UnitCostLine(metric.title, metric.unit, now, by_month.get(str(period.shift(-1))))


def findings(inputs: Inputs, name: str) -> Iterator[Finding]:
    """Grants of a department that nobody uses or that end soon, and breaks that its people have."""
    for one in inputs.permits:
        grant = one.view
        if grant.department != name or grant.state(inputs.now) != "live":
            continue
        what = f"{grant.id}: {inputs.products.get(grant.product) or grant.product}, until {grant.ends_at:%d %b %Y}"
        if not one.used and inputs.now - grant.starts_at >= SETTLING:
            yield Finding("grant_unused", grant.id, name, f"Nothing was done with grant {what}")
        elif grant.ends_at - inputs.now <= ENDS_SOON:
            yield Finding("grant_ends", grant.id, name, f"Grant {what}, is about to end")
    for found in inputs.breaks:
        if found.assignee in inputs.units[name].people:
            rule = found.rule.replace("_", " ")
            yield Finding(
                "break", found.id, name, f"{found.assignee} has a break of {rule} in {found.pool} to clear up"
            )
