"""Where a budget stands: plan, actual, commitments and forecast of one span of time.

What belongs here: what is said of a budget, as values. What does not: how it is found (`evaluate`), and who is told
(`alerts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.money import Money


@dataclass(frozen=True, slots=True)
class Cause:
    """One of the largest parts of an amount: a product, service, account, region or resource."""

    name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Position:
    """Where one budget stands in a span, everything in the reporting currency.

    Attributes:
        budget: its name, unique: a department's plan has the department's name.
        title: how people call it.
        view: whose amounts these are; what is `effective` is for finance alone.
        department: whose tree it belongs to; empty where it is of the whole company.
        period: the span: 2026-10, 2026-Q4 or 2026.
        first_day: of the span, in the company's accounting time zone.
        last_day: of the span.
        known_through: the last day whose amounts are final.
        plan: what may be spent.
        actual: what was spent.
        committed: what requests reserve and have not spent.
        expected: what the span is expected to end at: actual + commitments + forecast of the rest.
        lowest: `expected` at the lower end of the 80 % interval.
        highest: `expected` at its upper end.
        over_since: the first day on which what was spent is above the plan; None while it is not.
        causes: the largest parts of the actual, at most three, by money.
    """

    budget: str
    title: str
    view: View
    department: str
    period: str
    first_day: date
    last_day: date
    known_through: date
    plan: Money
    actual: Money
    committed: Money
    expected: Money
    lowest: Money
    highest: Money
    over_since: date | None = None
    causes: tuple[Cause, ...] = ()

    @property
    def variance(self) -> Money:
        """Actual + commitments + forecast of the rest - plan."""
        return self.expected - self.plan
