"""The catalog as those who are charged by it see it.

What belongs here: products, meters and what a unit costs at an instant, for everybody or for one department.
What does not: drafts, which are nobody's to use yet, and what anything really costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.catalog.terms import in_words
from twinledger.store.models import Agreement, Department, Meter, Price, Product
from twinledger.vocabulary.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class ShownMeter:
    """One meter: `price` in words, `next_price` with its instant where one is published; both may be empty."""

    product: str
    title: str
    description: str
    owner: str
    pool: str
    state: str
    retired_at: datetime | None
    meter: str
    meter_title: str
    unit: str
    price: str
    next_price: str
    agreed: bool


@dataclass(frozen=True, slots=True)
class PriceVersion:
    """One price of a meter, until the next one supersedes it."""

    effective_from: datetime
    effective_to: datetime | None
    price: str
    recorded_at: datetime


def shown_catalog(session: Session, at: datetime, department: str = "") -> list[ShownMeter]:
    """Every meter that may be used at an instant or was, by product; for a department, at what it agreed on.

    Raises:
        UnknownNameError: there is no such department.
    """
    above = _above(session, department) if department else []
    agreements = session.scalars(select(Agreement).where(Agreement.department.in_(above))).all()
    query = select(Product, Meter).join(Meter, Meter.product == Product.name).where(Product.state != "draft")
    found = []
    for product, meter in session.execute(query.order_by(Product.name, Meter.name)):
        prices = _prices(session, product.name, meter.name)
        held = sorted(
            (one for one in agreements if (one.product, one.meter) == (product.name, meter.name) and _holds(one, at)),
            key=lambda one: above.index(one.department),
        )
        begun = [price for price in prices if price.effective_from <= at]
        terms = held[0] if held else begun[-1] if begun else None
        later = next((price for price in prices if price.effective_from > at), None)
        found.append(
            ShownMeter(
                product.name, product.title, product.description, product.owner, product.pool, product.state,
                product.retired_at, meter.name, meter.title, meter.unit, in_words(terms) if terms else "",
                f"{in_words(later)} from {later.effective_from:%Y-%m-%d %H:%M} UTC" if later else "", bool(held),
            )
        )  # fmt: skip
    return found


def price_history(session: Session, product: str, meter: str) -> list[PriceVersion]:
    """The published prices of a meter, the newest first.

    Raises:
        UnknownNameError: there is no such meter.
    """
    if session.get(Meter, (product, meter)) is None:
        known = [f"{one.product}/{one.name}" for one in session.scalars(select(Meter))]
        raise UnknownNameError("meter", f"{product}/{meter}", known)
    prices = _prices(session, product, meter)
    ends: list[datetime | None] = [*(price.effective_from for price in prices[1:]), None]
    versions = [
        PriceVersion(price.effective_from, end, in_words(price), price.recorded_at)
        for price, end in zip(prices, ends, strict=True)
    ]
    return versions[::-1]


def _prices(session: Session, product: str, meter: str) -> Sequence[Price]:
    query = select(Price).where(Price.product == product, Price.meter == meter)
    return session.scalars(query.order_by(Price.effective_from)).all()


def _above(session: Session, department: str) -> list[str]:
    """A department, its parent, and so on to the top."""
    parents = {one.name: one.parent for one in session.scalars(select(Department))}
    if department not in parents:
        raise UnknownNameError("department", department, parents)
    names, name = [], parents[department]
    names.append(department)
    while name is not None:
        names.append(name)
        name = parents.get(name)
    return names


def _holds(one: Agreement, at: datetime) -> bool:
    return one.effective_from <= at and (one.effective_to is None or at < one.effective_to)
