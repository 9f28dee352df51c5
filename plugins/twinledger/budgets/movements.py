"""Moving budget: between departments, and what a closed period leaves to the next.

What belongs here: who may move how much, and doing it once, in one transaction with its audit entry. What does not:
what is left of a budget, which `approvals` knows, and plans themselves, which the configuration says.

A movement is one dated entry that takes from one plan what it gives to another: their sum stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from twinledger.approvals import Desk, headroom
from twinledger.catalog import with_those_above
from twinledger.store import audit
from twinledger.store.models import Budget, BudgetMovement, Department, PeriodState, Person
from twinledger.vocabulary.errors import (
    InvalidMovementError,
    NotEntitledError,
    UnknownNameError,
    UnknownPersonError,
)
from twinledger.vocabulary.identities import new_identity
from twinledger.vocabulary.money import Money, plain, smallest_unit
from twinledger.vocabulary.periods import Period

FINANCE = "finance"
LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Movement:
    """One entry: so much from the plan of one department and period to that of another."""

    id: str
    kind: str
    """transfer | roll-over"""
    from_department: str
    from_period: str
    to_department: str
    to_period: str
    amount: Money
    who: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to move, and who wants it."""

    kind: str
    source: tuple[str, str]
    target: tuple[str, str]
    who: str
    reason: str


def transfer(
    desk: Desk, *, giver: str, receiver: str, period: Period, amount: Decimal, actual: Decimal, who: str, reason: str
) -> Movement:
    """Give a part of what is left of one department's plan to another one, in the same period.

    Args:
        desk: the store to move in.
        giver: the department that gives, by name; its budget holder may, one above it, or finance.
        receiver: the department that gets it.
        period: the month; not a closed one.
        amount: in the currency of both plans, above 0, in whole smallest units.
        actual: what the giver has spent in the period; see `spent_so_far`.
        who: a person's name.
        reason: kept in the audit trail.

    Raises:
        InvalidMovementError: it is more than is left, or a plan, the amount, the period or the reason cannot be.
        NotEntitledError: the person may not give it away.
        UnknownNameError, UnknownPersonError: nobody knows a department or the person.
        CurrencyMismatchError: the plans are in two currencies.
    """
    if giver == receiver:
        raise InvalidMovementError("receiver", receiver, "another department")
    wanted = _Wanted("transfer", (giver, str(period)), (receiver, str(period)), who, reason)
    with desk.store.transaction() as session:
        _check(session, wanted)
        _check_open(session, str(period))
        currency = _plans(session, wanted)
        left = headroom(session, giver, str(period), actual, currency, desk.clock.now()).available
        if not 0 < amount <= left or amount % smallest_unit(currency):
            unit = f"in whole {smallest_unit(currency)} {currency}"
            raise InvalidMovementError("amount", plain(amount), f"above 0, at most the {plain(left)} left, {unit}")
        return _moved(session, desk, wanted, Money(amount, currency))


def roll_over(desk: Desk, *, department: str, period: Period, actual: Decimal, who: str, reason: str) -> Movement:
    """Leave what a department did not spend in a closed period to the one after it: all of it, once.

    Raises:
        InvalidMovementError: the period is not closed, nothing is left, or it was done before.
        and as `transfer`.
    """
    wanted = _Wanted("roll-over", (department, str(period)), (department, str(period.shift(1))), who, reason)
    with desk.store.transaction() as session:
        _check(session, wanted)
        if (state := _state(session, str(period))) != "closed":
            raise InvalidMovementError("period", f"{period}, {state}", "one that is closed")
        _check_open(session, str(period.shift(1)))
        currency = _plans(session, wanted)
        left = headroom(session, department, str(period), actual, currency, desk.clock.now()).available
        rest = left - left % smallest_unit(currency)
        if rest <= 0:
            raise InvalidMovementError("what is left", plain(left), "something to leave to the next period")
        return _moved(session, desk, wanted, Money(rest, currency))


def movements(session: Session, period: Period | None = None, department: str = "") -> list[Movement]:
    """What moved, the newest first; into or out of a period or department where given."""
    query = select(BudgetMovement).order_by(BudgetMovement.at.desc(), BudgetMovement.id)
    if period:
        ends = (BudgetMovement.from_period, BudgetMovement.to_period)
        query = query.where(or_(*(end == str(period) for end in ends)))
    if department:
        places = (BudgetMovement.from_department, BudgetMovement.to_department)
        query = query.where(or_(*(place == department for place in places)))
    return [_movement(row) for row in session.scalars(query)]


def _check(session: Session, wanted: _Wanted) -> None:
    """Refuse who may not, and what has no reason."""
    if not 0 < len(wanted.reason.strip()) <= LONGEST_REASON:
        raise InvalidMovementError("reason", wanted.reason, f"1 to {LONGEST_REASON} characters")
    person = session.get(Person, wanted.who)
    if person is None:
        raise UnknownPersonError("Twinledger", wanted.who)
    for name in (wanted.source[0], wanted.target[0]):
        if session.get(Department, name) is None:
            raise UnknownNameError("department", name, session.scalars(select(Department.name)))
    giver = session.get_one(Department, wanted.source[0])
    holders = {one.budget_holder for one in with_those_above(session, giver)}
    if FINANCE not in person.roles and wanted.who not in holders:
        reason = f"it is for finance, or {', '.join(sorted(holders))}"
        raise NotEntitledError(wanted.who, f"the budget of {giver.name}", reason)


def _plans(session: Session, wanted: _Wanted) -> str:
    """Take both plans for the rest of the transaction, always in one order; the currency of both."""
    found = {key: session.get(Budget, key, with_for_update=True) for key in sorted({wanted.source, wanted.target})}
    for (department, period), budget in found.items():
        if budget is None:
            problem = "one in budgets.yaml, if only of 0"
            raise InvalidMovementError("plan", f"none of {department} for {period}", problem)
    currencies = {key: budget.currency for key, budget in found.items() if budget}
    return (Money(Decimal(0), currencies[wanted.source]) + Money(Decimal(0), currencies[wanted.target])).currency


def _check_open(session: Session, period: str) -> None:
    if (state := _state(session, period)) == "closed":
        raise InvalidMovementError("period", f"{period}, {state}", "one that is open")


def _state(session: Session, period: str) -> str:
    row = session.get(PeriodState, period)
    return row.state if row else "open"


def _moved(session: Session, desk: Desk, wanted: _Wanted, amount: Money) -> Movement:
    row = BudgetMovement(
        id=new_identity("movement"), kind=wanted.kind, from_department=wanted.source[0], from_period=wanted.source[1],
        to_department=wanted.target[0], to_period=wanted.target[1], amount=amount.amount, currency=amount.currency,
        who=wanted.who, reason=wanted.reason.strip(), at=desk.clock.now(),
    )  # fmt: skip
    session.add(row)
    facts = {
        "from": " ".join(wanted.source), "to": " ".join(wanted.target), "amount": plain(amount.amount),
        "currency": amount.currency, "reason": row.reason,
    }  # fmt: skip
    action = f"budget.{wanted.kind}"
    audit.append(session, desk.clock, who=wanted.who, action=action, subject=row.id, facts=facts)
    return _movement(row)


def _movement(row: BudgetMovement) -> Movement:
    return Movement(
        row.id, row.kind, row.from_department, row.from_period, row.to_department, row.to_period,
        Money(row.amount, row.currency), row.who, row.reason, row.at,
    )  # fmt: skip
