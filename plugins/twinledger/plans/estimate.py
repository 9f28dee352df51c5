"""What a plan would cost a department, at the prices that it pays now.

What belongs here: amounts, with the multiplication that each of them is. What does not: counting resources (`measure`),
and what is left of a budget, which a request is judged by (`approvals`).

A month is 30 days of 24 hours. Of tiers, the price is the first one that costs something, as for a request.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal, localcontext

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.catalog import PriceInForce, price_for
from twinledger.plans.measure import Measured, Reading, Unmeasured, Use
from twinledger.store.models import Department
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.money import Money, exact_sum

MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Line:
    """One resource in one meter."""

    resource: Measured
    use: Use
    price: PriceInForce
    a_day: Money
    a_month: Money
    added_a_month: Money
    """Less what the resource comes to before the change."""


@dataclass(frozen=True, slots=True)
class Total:
    """The lines of one currency together."""

    a_day: Money
    a_month: Money
    added_a_month: Money


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan comes to for a department; what could not be counted stands beside it."""

    department: str
    at: datetime
    lines: tuple[Line, ...]
    totals: tuple[Total, ...]
    """One a currency: currencies are never added."""
    unmeasured: tuple[Unmeasured, ...]


def estimate(session: Session, reading: Reading, department: str, at: datetime) -> Estimate:
    """Estimate a plan at the prices in force for a department at an aware instant.

    Raises:
        UnknownNameError: no such department, or a meter that the catalog has not.
        MissingPriceError: a meter without a price.
    """
    if session.get(Department, department) is None:
        kind = "department"
        raise UnknownNameError(kind, department, session.scalars(select(Department.name)))
    prices: dict[str, PriceInForce] = {}
    lines = []
    for resource in reading.counted:
        for use in resource.uses:
            if use.key not in prices:
                prices[use.key] = price_for(session, department, use.product, use.meter, at)
            lines.append(_line(resource, use, prices[use.key]))
    return Estimate(department, at, tuple(lines), tuple(_totals(lines)), reading.unmeasured)


def _line(resource: Measured, use: Use, price: PriceInForce) -> Line:
    added = exact_sum((use.quantity, -resource.had.get(use.key, Decimal(0))))
    return Line(
        resource=resource,
        use=use,
        price=price,
        a_day=_times(price.price, use.quantity),
        a_month=_times(price.price, use.quantity, MONTH_DAYS),
        added_a_month=_times(price.price, added, MONTH_DAYS),
    )


def _times(price: Money, quantity: Decimal, days: int = 1) -> Money:
    with localcontext(Context(prec=120)):
        return Money(price.amount * quantity * days, price.currency)


def _totals(lines: Iterable[Line]) -> Iterable[Total]:
    by_currency: dict[str, list[Line]] = {}
    for line in lines:
        by_currency.setdefault(line.price.price.currency, []).append(line)
    for currency, found in sorted(by_currency.items()):
        yield Total(
            Money(exact_sum(line.a_day.amount for line in found), currency),
            Money(exact_sum(line.a_month.amount for line in found), currency),
            Money(exact_sum(line.added_a_month.amount for line in found), currency),
        )
