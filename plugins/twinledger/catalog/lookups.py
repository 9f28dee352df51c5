"""What others look up in the catalog: a price at an instant, a rate on a day.

What belongs here: questions about one price or one rate. What does not: rating many records, which
is SQL over the same prices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from twinledger.store import Store
from twinledger.store.models import Agreement, Department, Meter, PeriodState, Price, Rate, Source
from twinledger.vocabulary.errors import MissingPriceError, MissingRateError, UnknownNameError
from twinledger.vocabulary.money import SCALE, Money
from twinledger.vocabulary.periods import Period


@dataclass(frozen=True, slots=True)
class PriceInForce:
    """The price of one unit of a meter at an instant: the list price, or what a department agreed on."""

    product: str
    meter: str
    unit: str
    price: Money
    effective_from: datetime
    agreed_with: str = ""
    """The department whose agreement it is; empty for the list price."""


def price_at(session: Session, product: str, meter: str, at: datetime) -> PriceInForce:
    """The price in force at an aware instant: the latest one whose `effective_from` is not after it.

    Raises:
        UnknownNameError: there is no such meter.
        MissingPriceError: the meter had no price yet.
    """
    key = f"{product}/{meter}"
    found = session.get(Meter, (product, meter))
    if found is None:
        kind, known = "meter", [f"{one.product}/{one.name}" for one in session.scalars(select(Meter))]
        raise UnknownNameError(kind, key, known)
    query = (
        select(Price)
        .where(Price.product == product, Price.meter == meter, Price.effective_from <= at)
        .order_by(Price.effective_from.desc())
        .limit(1)
    )
    price = session.scalar(query)
    if price is None:
        raise MissingPriceError(key, at.isoformat())
    return PriceInForce(product, meter, found.unit, Money(price.amount, price.currency), price.effective_from)


def price_for(session: Session, department: str, product: str, meter: str, at: datetime) -> PriceInForce:
    """As `price_at`, as a department pays it: by its own agreement, else that of the nearest one above it."""
    listed = price_at(session, product, meter, at)
    query = select(Agreement).where(
        Agreement.product == product,
        Agreement.meter == meter,
        Agreement.effective_from <= at,
        or_(Agreement.effective_to.is_(None), Agreement.effective_to > at),
    )
    agreed = {one.department: one for one in session.scalars(query.order_by(Agreement.effective_from))}
    for asked in with_those_above(session, session.get_one(Department, department)) if agreed else ():
        if found := agreed.get(asked.name):
            price = Money(found.amount, found.currency)
            return PriceInForce(product, meter, listed.unit, price, found.effective_from, asked.name)
    return listed


def with_those_above(session: Session, department: Department) -> Iterator[Department]:
    """A department, then the one above it, up to the top."""
    asked: Department | None = department
    seen: set[str] = set()
    while asked is not None and asked.name not in seen:
        yield asked
        seen.add(asked.name)
        asked = session.get(Department, asked.parent) if asked.parent else None


@dataclass(frozen=True, slots=True)
class RateUsed:
    """One unit of `currency` in units of `quote`, with the day it is of and who says so."""

    currency: str
    quote: str
    rate: Decimal
    day: date
    origin: str


def rate_of_period(session: Session, period: Period, currency: str, quote: str) -> RateUsed:
    """The rate of a whole period; raises MissingRateError where there is none."""
    if currency == quote:
        return RateUsed(currency, quote, Decimal(1), period.first_day, "itself")
    found = session.get(Rate, ("period", period.first_day, currency, quote))
    if found is None:
        raise MissingRateError(currency, quote, str(period))
    return RateUsed(currency, quote, found.rate, found.day, found.origin)


def rate_of_day(session: Session, day: date, currency: str, quote: str) -> RateUsed:
    """The last known rate on or before a day, else that of the day's period; raises MissingRateError."""
    if currency == quote:
        return RateUsed(currency, quote, Decimal(1), day, "itself")
    query = (
        select(Rate)
        .where(Rate.kind == "day", Rate.currency == currency, Rate.quote == quote, Rate.day <= day)
        .order_by(Rate.day.desc())
        .limit(1)
    )
    found = session.scalar(query)
    if found is None:
        return rate_of_period(session, Period(day.year, day.month), currency, quote)
    return RateUsed(currency, quote, found.rate, found.day, found.origin)


def convert(money: Money, rate: RateUsed) -> Money:
    """The amount in the rate's quote, to 18 decimals, half away from zero.

    Raises:
        MissingRateError: the rate is of another currency than the amount.
    """
    if money.currency != rate.currency:
        raise MissingRateError(money.currency, rate.quote, str(rate.day))
    with localcontext(Context(prec=120)):
        exact = money.amount * rate.rate
        return Money(exact.quantize(Decimal(1).scaleb(-SCALE), ROUND_HALF_UP), rate.quote)


def sources(store: Store, name: str = "") -> list[tuple[str, str]]:
    """(name, kind) of every source that is not retired, bills first, or of the one that is named.

    Raises:
        UnknownNameError: there is no such source.
    """
    with store.reading() as session:
        rows = session.scalars(select(Source).order_by(Source.kind, Source.name)).all()
    active = [(row.name, row.kind) for row in rows if not row.options.get("retired")]
    chosen = [entry for entry in active if name in ("", entry[0])]
    if name and not chosen:
        raise UnknownNameError("source", name, [known for known, _ in active])
    return chosen


def closed_periods(store: Store) -> set[str]:
    """Periods, as YYYY-MM, that no longer change."""
    with store.reading() as session:
        return set(session.scalars(select(PeriodState.period).where(PeriodState.state == "closed")))
