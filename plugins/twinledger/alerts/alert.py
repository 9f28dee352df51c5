"""What an alert is: a rule that fires on one subject in one period, and what became of it.

What belongs here: the vocabulary of this room, and an alert's identity. What does not: when a rule fires (`signals`),
what becomes of an alert (`decide`, `life`), and the table that keeps it (`store`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from twinledger.vocabulary.audiences import ForFinance, View
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.money import exact_sum

Kind = Literal["used", "forecast", "pace", "anomaly"]
State = Literal["new", "acknowledged", "snoozed", "resolved"]
Resolution = Literal["cleared", "superseded", "ended", "dismissed", "planned"]
"""cleared: gone by itself, on final data; superseded: a rule that says more of the same budget fires; ended: its span
is over; dismissed, planned: somebody said so of an anomaly."""

Answer = Literal["", "superseded", "dismissed", "planned"]
"""What ends an alert though its rule holds."""

ACTOR = "alerts"
"""Who does what no person does."""

FINANCE = "finance"
"""The role that reads what vendors really charged, and whose such alerts are."""


class Cause(NamedTuple):
    """One of the largest parts of an impact, in the alert's currency."""

    name: str
    amount: Decimal


class Place(NamedTuple):
    """What an alert is of, whatever the rule: a budget in a span, or a series from a day on."""

    subject: str
    view: View
    period: str


@dataclass(frozen=True, slots=True)
class Signal(ForFinance):
    """A rule that holds for a budget or series, with the figures that it holds on: they may be finance's.

    Attributes:
        rule: its name.
        kind: of the rule.
        place: what it holds for.
        title: how people call that.
        department: whose it is; empty where it is of the whole company.
        ends_on: the last day of the span; None for an anomaly.
        actual: what was spent, or what a span is expected to end at.
        expected: the plan, or what the series should have come to.
        currency: of all amounts.
        since: the first day of it, where that is known.
        causes: the most money first.
        reason: what usually explains it; empty where nothing is known.
        anomaly: its id, where it is one.
        data_as_of: the end of what is final.
        fires: False where it is within the rule again, but not by the hysteresis: an open alert stays open, and none
            is opened.
        answer: what ends an alert of it though it holds.
    """

    rule: str
    kind: Kind
    place: Place
    title: str
    department: str
    ends_on: date | None
    actual: Decimal
    expected: Decimal
    currency: str
    since: date | None
    causes: tuple[Cause, ...]
    reason: str
    anomaly: str
    data_as_of: datetime
    fires: bool = True
    answer: Answer = ""

    @property
    def impact(self) -> Decimal:
        """Actual - expected, in the signal's currency."""
        return exact_sum((self.actual, self.expected.copy_negate()))

    @property
    def identity(self) -> str:
        """The same for one rule, subject, view and period in every run."""
        return digest(self.rule, *self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(ForFinance):
    """One alert, as the store keeps it: see `twinledger.store.models.Alert`. Its figures may be finance's."""

    id: str
    rule: str
    kind: Kind
    subject: str
    title: str
    view: View
    department: str
    period: str
    ends_on: date | None
    state: State
    resolution: Resolution | None
    owner: str
    assignee: str | None
    actual: Decimal
    expected: Decimal
    impact: Decimal
    currency: str
    since: date | None
    causes: tuple[Cause, ...]
    reason: str
    anomaly: str
    data_as_of: datetime
    opened_at: datetime
    new_since: datetime
    resolved_at: datetime | None = None
    told: int = 0
    told_at: datetime | None = None
    told_impact: Decimal | None = None
    evidence: str = ""
    digest_due: datetime | None = None
    places: tuple[str, ...] = ()
    escalated: int = 0
    snoozed_until: datetime | None = None
    snoozed_impact: Decimal | None = None
    acted_by: str | None = None
    acted_at: datetime | None = None
    acted_on: str | None = None
    revision: int = 1

    @property
    def place(self) -> Place:
        """What it is of, whatever the rule."""
        return Place(self.subject, self.view, self.period)
