"""Which budgets there are of a month, and what each of them is of.

What belongs here: plans and lines as the store has them, with their spans, and what requests reserve of each. What does
not: what was spent (`series`), and where a budget stands (`evaluate`).

The plan of a department is of the department alone, as its statement is; a line of a department is of all below it
as well. A line's dimensions are what `sql/budgets/cell_terms` says of charges: department, product, account, region,
service, and a tag by its key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals import holding, left
from twinledger.books import Books
from twinledger.catalog import convert, rate_of_period
from twinledger.store.models import BudgetLine, Department, Request
from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.errors import MissingRateError
from twinledger.vocabulary.money import Money
from twinledger.vocabulary.periods import Period, months_of, span_name

VIEWS: tuple[View, ...] = ("internal", "effective")
DEPARTMENT, PRODUCT, SERVICE = "department", "product", "service"
_TAG = "tag:"


@dataclass(frozen=True, slots=True)
class Scoped:
    """A budget and what it is of: of each dimension, the values that a charge may have."""

    name: str
    title: str
    view: View
    department: str
    months: tuple[Period, ...]
    plan: Money
    values: Mapping[str, tuple[str, ...]]
    is_line: bool

    @property
    def period(self) -> str:
        """The span: 2026-10, 2026-Q4 or 2026."""
        return span_name(self.months)

    @property
    def first_day(self) -> date:
        """Of the span."""
        return self.months[0].first_day

    @property
    def last_day(self) -> date:
        """Of the span."""
        return self.months[-1].shift(1).first_day - timedelta(days=1)

    @property
    def parted_by(self) -> str:
        """The dimension by which its largest parts are told: what it is of one of says nothing."""
        first, second = (PRODUCT, DEPARTMENT) if self.view == "internal" else (SERVICE, "sub_account")
        return second if len(self.values.get(first, ())) == 1 else first

    @property
    def tags(self) -> dict[str, str]:
        """The tags that it looks at: dimension -> key. A department is one, in what vendors charge."""
        looked_at = {one: one.removeprefix(_TAG) for one in self.values if one.startswith(_TAG)}
        return looked_at | ({DEPARTMENT: DEPARTMENT} if DEPARTMENT in self.values else {})


def plan_of(name: str, title: str, period: Period, plan: Money) -> Scoped:
    """The plan of a department for a month."""
    return Scoped(name, title, "internal", name, (period,), plan, {DEPARTMENT: (name,)}, is_line=False)


def lines_of(session: Session, books: Books, period: Period, views: Collection[View] = VIEWS) -> list[Scoped]:
    """The lines whose span a month is in, by name; plans in the reporting currency at the month's rate.

    Raises:
        MissingRateError: a line is in a currency that the month has no rate for.
    """
    spans = [str(period), f"{period.year:04d}-Q{(period.month + 2) // 3}", f"{period.year:04d}"]
    query = select(BudgetLine).where(BudgetLine.period.in_(spans), BudgetLine.view.in_(views))
    parents = {one.name: one.parent for one in session.scalars(select(Department))}
    reporting = books.settings.reporting_currency
    return [
        Scoped(
            name=row.name, title=row.title, view=cast("View", row.view), department=row.department,
            months=months_of(row.period), values=dict(_values(row, parents)), is_line=True,
            plan=convert(Money(row.amount, row.currency), rate_of_period(session, period, row.currency, reporting)),
        )
        for row in session.scalars(query.order_by(BudgetLine.name, BudgetLine.period))
    ]  # fmt: skip


def _values(row: BudgetLine, parents: Mapping[str, str | None]) -> Iterator[tuple[str, tuple[str, ...]]]:
    if row.department:
        yield DEPARTMENT, tuple(sorted(_with_those_below(row.department, parents)))
    for dimension, named in row.scope.items():
        if dimension == "tag":
            yield from ((f"{_TAG}{key}", tuple(values)) for key, values in named.items())
        else:
            yield dimension, tuple(named)


def _with_those_below(name: str, parents: Mapping[str, str | None]) -> set[str]:
    wanted = {name}
    while more := {one for one, parent in parents.items() if parent in wanted} - wanted:
        wanted |= more
    return wanted


class Reserved:
    """What requests reserve and have not spent, by month, department and product; at internal prices."""

    def __init__(self, session: Session, books: Books, period: Period, lines: Sequence[Scoped]) -> None:
        """Read it for every month of internal lines, at the month's rate, or that of the month asked about.

        Raises:
            MissingRateError: a commitment is in a currency that neither month has a rate for.
        """
        self._nothing = Money(Decimal(0), books.settings.reporting_currency)
        self._held: dict[tuple[Period, str, str], Money] = {}
        products = {one.id: one.product for one in session.execute(select(Request.id, Request.product))}
        for month in sorted({month for line in lines if line.view == "internal" for month in line.months}):
            for one in holding(session, str(month), books.clock.now()):
                key = (month, one.department, products[one.request])
                rest = _converted(session, Money(left(one), one.currency), month, period, self._nothing.currency)
                self._held[key] = self._held.get(key, self._nothing) + rest

    def of(self, line: Scoped) -> Money:
        """Of one line; nothing of what vendors charge, which no request is in."""
        total = self._nothing
        if line.view == "internal":
            for (month, department, product), held in self._held.items():
                holds = _among(department, line.values.get(DEPARTMENT)) and _among(product, line.values.get(PRODUCT))
                total = total + held if holds and month in line.months else total
        return total


def _among(value: str, values: Collection[str] | None) -> bool:
    return values is None or value in values


def _converted(session: Session, money: Money, month: Period, period: Period, reporting: str) -> Money:
    try:
        rate = rate_of_period(session, month, money.currency, reporting)
    except MissingRateError:
        rate = rate_of_period(session, period, money.currency, reporting)
    return convert(money, rate)
