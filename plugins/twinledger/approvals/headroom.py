"""What is left of a budget: plan - actual - commitments (domain.md, invariant 8).

What belongs here: the commitments of a department and what they leave. What does not: the actual,
which is in the lake and handed in, and the forecast, which is `budgets`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.store.models import Budget, Commitment
from twinledger.vocabulary.errors import CurrencyMismatchError
from twinledger.vocabulary.money import exact_sum

HELD = ("pending", "posted")
"""The states in which a commitment holds budget."""


@dataclass(frozen=True, slots=True)
class Headroom:
    """One department's budget for a period, in one currency; without a plan, the plan is zero."""

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


def headroom(session: Session, department: str, period: str, actual: Decimal, currency: str) -> Headroom:
    """What a department may still commit in a period (YYYY-MM), all in one currency.

    Takes the budget's row for the rest of the transaction, so that two who commit at once see each
    other.

    Raises:
        CurrencyMismatchError: the plan or a commitment is in another currency.
    """
    budget = session.get(Budget, (department, period), with_for_update=True)
    query = select(Commitment).where(
        Commitment.department == department, Commitment.period == period, Commitment.state.in_(HELD)
    )
    commitments = session.scalars(query).all()
    others = [one.currency for one in (budget, *commitments) if one is not None and one.currency != currency]
    if others:
        raise CurrencyMismatchError(others[0], currency)
    return Headroom(
        department=department,
        period=period,
        currency=currency,
        plan=budget.amount if budget else Decimal(0),
        actual=actual,
        committed=exact_sum(one.amount for one in commitments),
    )
