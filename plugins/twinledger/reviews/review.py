"""A review as values: one department's month, or the company's, at internal prices.

What belongs here: what a review holds and what follows from its figures. What does not: reading the books (`read`),
putting a review together (`build`), what only finance may see (`company`), pages, PDF and messages.

Amounts are in the reporting currency, at published prices; instants are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from twinledger.budgets import UnitCost, Variance
from twinledger.statements import DocumentLine
from twinledger.vocabulary.audiences import ForEveryone
from twinledger.vocabulary.money import Money, round_to
from twinledger.vocabulary.periods import Period

COMPANY = ""
"""The department of the review of the whole company."""

MONTHS = 12
"""How many months the trend has, the month of the review included."""

_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Standing(ForEveryone):
    """Actual and commitments against plan, of one department or of a tree; `depth` is its level in the tree."""

    name: str
    title: str
    depth: int
    plan: Money
    actual: Money
    committed: Money

    @classmethod
    def of(cls, title: str, depth: int, position: Variance) -> Standing:
        """A position of `budgets` under the title that people know."""
        return cls(position.department, title, depth, position.plan, position.actual, position.committed)

    @property
    def variance(self) -> Money:
        """Actual and commitments less plan."""
        return self.actual + self.committed - self.plan

    @property
    def percent(self) -> Decimal | None:
        """The variance in percent of the plan, to a tenth; None without a plan."""
        return percent(self.variance, self.plan)


@dataclass(frozen=True, slots=True)
class Moved(ForEveryone):
    """Why a product's cost is not what it was the month before; `after` is `before` and the five effects."""

    product: str
    before: Money
    after: Money
    price: Money
    volume: Money
    mix: Money
    new: Money
    gone: Money

    @property
    def change(self) -> Money:
        """How much more it is than it was."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class TrendMonth(ForEveryone):
    """What a month came to, by product; of the company, by department."""

    period: Period
    total: Money
    parts: tuple[tuple[str, Money], ...]


@dataclass(frozen=True, slots=True)
class AnomalyLine(ForEveryone):
    """A stretch of the month that was not as expected, in internal charges."""

    id: str
    department: str
    title: str
    shape: str
    start: datetime
    actual: Money
    expected: Money
    causes: tuple[str, ...]
    reason: str
    state: str
    answer: str

    @property
    def impact(self) -> Money:
        """Actual less expected."""
        return self.actual - self.expected


@dataclass(frozen=True, slots=True)
class RequestCount(ForEveryone):
    """How many requests of the month came to one state, and what they ask for in all."""

    state: str
    count: int
    amount: Money


@dataclass(frozen=True, slots=True)
class WaitingRequest(ForEveryone):
    """A request of the month, or of before, that nobody has decided."""

    id: str
    department: str
    requester: str
    product: str
    amount: Money
    days: int
    """Whole days since it was made."""


@dataclass(frozen=True, slots=True)
class Requests(ForEveryone):
    """The requests that were made in the month, by state, and those that wait now."""

    asked: int
    amount: Money
    states: tuple[RequestCount, ...]
    waiting: tuple[WaitingRequest, ...]


@dataclass(frozen=True, slots=True)
class UnitCostLine(ForEveryone):
    """What one unit of business costs, this month and the one before."""

    title: str
    unit: str
    now: UnitCost
    before: UnitCost | None

    @property
    def percent(self) -> Decimal | None:
        """The change of the unit cost in percent, to a tenth; None where either month has none."""
        before = self.before.a_unit if self.before else None
        if not before or self.now.a_unit is None:
            return None
        return round_to((self.now.a_unit - before) * 100 / before, _TENTH)


@dataclass(frozen=True, slots=True)
class Finding(ForEveryone):
    """Something that somebody should look at, without a vendor's figure; `subject` is what it is of."""

    kind: str
    subject: str
    department: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Review(ForEveryone):
    """One month of a department with all below it, or of the company where `department` is COMPANY, for everyone."""

    department: str
    title: str
    cost_centre: str
    period: Period
    closed: bool
    month: Standing
    year: Standing
    """From January on, the month included."""
    tree: tuple[Standing, ...]
    """The department with all below it, rolled up; of the company, every department. None where nothing is below."""
    before: Money | None
    """The month before; None where it has no charges to compare with."""
    effects: tuple[Moved, ...]
    """By product, the largest change first."""
    movers: tuple[DocumentLine, ...]
    trend: tuple[TrendMonth, ...]
    anomalies: tuple[AnomalyLine, ...]
    """The largest impact first."""
    requests: Requests
    unit_costs: tuple[UnitCostLine, ...]
    findings: tuple[Finding, ...]

    @property
    def change(self) -> Money | None:
        """Against the month before, where there is one to compare with."""
        return None if self.before is None else self.month.actual - self.before

    @property
    def change_percent(self) -> Decimal | None:
        """The change in percent of the month before."""
        return None if self.before is None or self.change is None else percent(self.change, self.before)

    @property
    def explained(self) -> tuple[tuple[str, Money], ...]:
        """The effects of all products together, by name; nothing where there is nothing to compare with."""
        nothing = Money(Decimal(0), self.month.actual.currency)
        names = ("price", "volume", "mix", "new", "gone")
        return tuple(
            (name, sum((getattr(one, name) for one in self.effects), nothing)) for name in names if self.effects
        )

    @property
    def empty(self) -> bool:
        """Whether there is nothing to review: no charge, plan, commitment, request or finding."""
        figures = (self.month.plan, self.month.actual, self.month.committed, *([self.before] if self.before else []))
        return not (any(one.amount for one in figures) or self.requests.asked or self.requests.waiting or self.findings)


def percent(part: Money, whole: Money) -> Decimal | None:
    """A part in percent of a whole, to a tenth, half away from zero; None of nothing."""
    return round_to(part.amount * 100 / abs(whole.amount), _TENTH) if whole.amount else None
