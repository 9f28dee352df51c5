"""What a price says beyond one amount: tiers, a minimum, and who agreed on another one.

What belongs here: prices and agreements in words, and which of them holds for a department at an
instant. What does not: what they come to for usage, which is SQL under `sql/rating`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from twinledger.store.models import Agreement, Price
from twinledger.vocabulary.money import plain

NOBODY = "unassigned"
"""The department of usage that nobody's tenant claims; it has no agreements."""

Meter = tuple[str, str]
Row = tuple[str, str, str, datetime, datetime | None, Decimal, Decimal, Decimal | None, Decimal, Decimal, str]
"""department, product, meter, effective_from, effective_to, list_price, tier_from, tier_to, price, minimum, currency"""


def in_words(price: Price | Agreement) -> str:
    """Terms as people read them, as `0.05 USD`, or `0.05 USD up to 1000, then 0.04 USD, at least 50.00 USD`."""
    said = f"{plain(price.amount)} {price.currency}"
    if price.tiers:
        parts = []
        for tier in price.tiers:
            until = "" if tier["up_to"] is None else f" up to {Decimal(tier['up_to']).normalize():f}"
            parts.append(f"{tier['amount']} {price.currency}{until}")
        said = ", then ".join(parts)
    return said if price.minimum is None else f"{said}, at least {plain(price.minimum)} {price.currency} a period"


def department_terms(
    prices: Sequence[Price], agreements: Sequence[Agreement], parents: Mapping[str, str | None]
) -> list[Row]:
    """One row a department, meter, span of time and tier, for meters with more to their price than one amount.

    Spans follow each other without gaps from the meter's first published price on. The nearest department's
    agreement holds, else the published price. The last tier has no end; an amount is one tier from 0.
    """
    listed, agreed = defaultdict[Meter, list[Price]](list), defaultdict[Meter, list[Agreement]](list)
    for price in sorted(prices, key=lambda one: one.effective_from):
        listed[price.product, price.meter].append(price)
    for agreement in agreements:
        agreed[agreement.product, agreement.meter].append(agreement)
    rows: list[Row] = []
    for meter, published in sorted(listed.items()):
        if meter not in agreed and not any(price.tiers or price.minimum for price in published):
            continue
        for department in (*sorted(parents), NOBODY):
            nearest = [one for name in _above(department, parents) for one in agreed[meter] if one.department == name]
            rows += _spans(department, published, nearest)
    return rows


def _above(department: str, parents: Mapping[str, str | None]) -> Iterator[str]:
    """The department, its parent, and so on to the top."""
    name: str | None = department
    while name is not None:
        yield name
        name = parents.get(name)


def _spans(department: str, published: Sequence[Price], agreed: Sequence[Agreement]) -> Iterator[Row]:
    starts = [price.effective_from for price in published]
    ends = [one.effective_to for one in agreed if one.effective_to is not None]
    instants: list[datetime | None] = [*sorted({*starts, *(one.effective_from for one in agreed), *ends}), None]
    for start, end in pairwise(instants):
        if start is None or start < starts[0]:
            continue
        price = published[bisect_right(starts, start) - 1]
        held = (one for one in agreed if one.effective_from <= start)
        found = next((one for one in held if one.effective_to is None or start < one.effective_to), price)
        span = (department, price.product, price.meter, start, end, price.amount)
        for tier_from, tier_to, amount in _tiers(found):
            yield (*span, tier_from, tier_to, amount, found.minimum or Decimal(0), found.currency)


def _tiers(price: Price | Agreement) -> Iterator[tuple[Decimal, Decimal | None, Decimal]]:
    """Each tier as (units before it, its last unit, price of a unit)."""
    before = Decimal(0)
    for tier in price.tiers or [{"up_to": None, "amount": plain(price.amount)}]:
        end = None if tier["up_to"] is None else Decimal(tier["up_to"])
        yield before, end, Decimal(tier["amount"])
        before = end or before
