"""Coverage as a reconciliation sees it: what a feed has left out is a break.

What belongs here: the findings of rule `coverage`, and what is missing beside its breaks. What does not: what is
missing, which `metering` knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.books import Books
from twinledger.catalog import closed_periods, price_at
from twinledger.metering import Uncovered, coverage
from twinledger.reconciliation.breaks import NOBODY, Finding, open_states
from twinledger.reconciliation.inputs import Inputs
from twinledger.reconciliation.result import BreakState
from twinledger.store import models
from twinledger.vocabulary.errors import MissingPriceError, UnknownNameError
from twinledger.vocabulary.money import SCALE
from twinledger.vocabulary.periods import Period

RULE = "coverage"
_UNIT = Decimal(1).scaleb(-SCALE)


@dataclass(frozen=True, slots=True)
class Missing:
    """What is missing of one tenant and meter, and its break, once a reconciliation has opened one."""

    uncovered: Uncovered
    found: BreakState | None


def coverage_findings(books: Books, inputs: Inputs) -> list[Finding]:
    """One break for each feed, tenant and meter with missing hours: what they would have been charged, below zero.

    It is an estimate, at the list price in force: as many hours of what the feed showed per hour before. Nothing is
    booked by it. Where no price is in force it is 0, in the reporting currency. The pool's owner answers for it.
    """
    if not inputs.uncovered:
        return []
    owners = {name: pool.owner for name, pool in inputs.pools.items()}
    with books.store.reading() as session:
        return [_finding(session, inputs, one, owners) for one in inputs.uncovered]


def _finding(session: Session, inputs: Inputs, one: Uncovered, owners: Mapping[str, str]) -> Finding:
    product = session.get(models.Product, one.product)
    pool = product.pool if product else ""
    amount = _estimate(session, one)
    owner = owners.get(pool, NOBODY)
    return Finding(RULE, pool, str(inputs.period), one.subject, amount, inputs.currency, Decimal(0), owner)


def _estimate(session: Session, one: Uncovered) -> Decimal:
    try:
        price = price_at(session, one.product, one.meter, one.spans[0].starts_at).price.amount
    except (MissingPriceError, UnknownNameError):
        return Decimal(0)
    with localcontext(prec=120):
        return (-one.hours * one.hourly_quantity * price).quantize(_UNIT)


def uncovered_periods(books: Books) -> list[str]:
    """This month and the one before it, where something is missing that is no break yet and they are not closed."""
    now = Period.of(books.clock.now(), books.settings.timezone)
    closed = closed_periods(books.store)
    return [
        str(period)
        for period in (now.shift(-1), now)
        if str(period) not in closed and any(one.found is None for one in missing_coverage(books, period))
    ]


def missing_coverage(books: Books, period: Period) -> tuple[Missing, ...]:
    """What is missing of a period now, in order of feed, tenant and meter, with the breaks that are open for it."""
    query = select(models.Break).where(models.Break.period == str(period), models.Break.rule == RULE)
    with books.store.reading() as session:
        breaks = {one.subject: one for one in open_states(session.scalars(query), books.clock.now())}
    return tuple(Missing(one, breaks.get(one.subject)) for one in coverage(books, period))
