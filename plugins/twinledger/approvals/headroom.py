"""What is left of a budget: plan and what moved into it - actual - commitments.

What belongs here: the commitments of a department and what they leave. What does not: the actual,
which is in the lake and handed in, and the forecast, which is `budgets`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from twinledger.store.models import Budget, BudgetMovement, Commitment, Grant
from twinledger.vocabulary.errors import CurrencyMismatchError
from twinledger.vocabulary.money import Money, exact_sum

HELD = ("pending", "posted")
"""The states in which a commitment holds budget; a posted one does until its grant is over."""


@dataclass(frozen=True, slots=True)
class Headroom:
    """One department's budget for a period, in one currency; without a plan, the plan is zero.

    The plan is with what moved into it, from other departments or the period before, and less what moved out.
    """

    department: str
    period: str
    currency: str
    plan: Decimal
    actual: Decimal
    committed: Decimal

    @property
    def available(self) -> Decimal:
        """What is left: plan - actual - commitments; below zero when more is spent than planned."""
        return exact_sum((self.plan, -self.actual, -self.committed))


def holding(session: Session, period: str, now: datetime, department: str = "") -> list[Commitment]:
    """The commitments of a period that hold budget: pending, or of a grant that is not over.

    That of a revoked one holds it too: what was provisioned goes on costing until it is removed.
    """
    query = select(Commitment, Grant).outerjoin(Grant, Grant.request == Commitment.request)
    query = query.where(Commitment.period == period, Commitment.state.in_(HELD))
    if department:
        query = query.where(Commitment.department == department)
    found = session.execute(query.order_by(Commitment.request)).all()
    return [one for one, grant in found if grant is None or grant.ends_at > now]


def left(commitment: Commitment) -> Decimal:
    """What a commitment still holds: what was spent on its grant is part of the actual."""
    return exact_sum((commitment.amount, -commitment.spent))


def moved(session: Session, period: str, department: str = "") -> list[tuple[str, Money]]:
    """What moved into the plans of a period (YYYY-MM), and out of them as less than nothing; by department."""
    query = select(BudgetMovement).where(or_(BudgetMovement.from_period == period, BudgetMovement.to_period == period))
    found = []
    for one in session.scalars(query.order_by(BudgetMovement.at, BudgetMovement.id)):
        if one.to_period == period:
            found.append((one.to_department, Money(one.amount, one.currency)))
        if one.from_period == period:
            found.append((one.from_department, Money(-one.amount, one.currency)))
    return [one for one in found if department in ("", one[0])]


def headroom(
    session: Session,
    department: str,
    period: str,
    actual: Decimal,
    currency: str,
    now: datetime,
    *,
    without: str = "",
    to_commit: bool = True,
) -> Headroom:
    """What a department may still commit in a period (YYYY-MM), all in one currency.

    Takes the budget's row for the rest of the transaction, so that two who commit at once see each
    other; not where nobody is about `to_commit`. The commitment of the request `without` is not counted.
    An `actual` from before commitments were last drawn down is not believed: what was taken from them
    is part of the one that was counted then.

    Raises:
        CurrencyMismatchError: the plan or a commitment is in another currency.
    """
    budget = session.get(Budget, (department, period), with_for_update=to_commit or None, populate_existing=to_commit)
    commitments = [one for one in holding(session, period, now, department) if one.request != without]
    into = moved(session, period, department)
    others = [one.currency for one in (budget, *commitments) if one is not None and one.currency != currency]
    if others:
        raise CurrencyMismatchError(others[0], currency)
    return Headroom(
        department=department,
        period=period,
        currency=currency,
        plan=exact_sum([budget.amount if budget else Decimal(0), *(money.amount for _, money in into)]),
        actual=max([actual, *(one.actual for one in commitments)]),
        committed=exact_sum(left(one) for one in commitments),
    )
