"""Rating in the most obvious way: one record at a time, one tier at a time, in Python.

What belongs here: made-up catalogs and usage, and what they come to. What does not: anything of
`twinledger.rating`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext

ZERO = Decimal(0)
PARENTS: dict[str, str | None] = {"group": None, "shop": "group", "web": "shop", "data": "group"}
TENANTS = {"s": "shop", "w": "web", "d": "data", "g": "group"}
"""Tenant x is nobody's."""

Row = tuple[str, str, str, str | None, datetime, Decimal, Decimal, Decimal, str, bool]
"""department, tenant, meter, resource, started_at, quantity, price, amount, kind, late"""


@dataclass(frozen=True)
class Terms:
    """Tiers as (last unit, price of a unit); one without end is an amount."""

    tiers: tuple[tuple[Decimal | None, Decimal], ...]
    minimum: Decimal | None = None

    @property
    def listed(self) -> Decimal:
        return next((amount for _, amount in self.tiers if amount), ZERO)


@dataclass(frozen=True)
class Published:
    """A price of a meter from an instant on."""

    meter: str
    start: datetime
    terms: Terms


@dataclass(frozen=True)
class Agreed:
    """A price of a meter for a department and those below it."""

    department: str
    meter: str
    start: datetime
    end: datetime | None
    terms: Terms


@dataclass(frozen=True)
class Catalog:
    """All that usage is rated with."""

    published: tuple[Published, ...]
    agreed: tuple[Agreed, ...] = ()


@dataclass(frozen=True)
class Used:
    """One usage record of the period."""

    tenant: str
    meter: str
    resource: str | None
    started_at: datetime
    quantity: Decimal
    late: bool


def terms_for(catalog: Catalog, department: str, meter: str, instant: datetime) -> Terms:
    """The nearest department's agreement, else the latest published price that has begun."""
    above: str | None = department if department in PARENTS else None
    while above is not None:
        for one in catalog.agreed:
            holds = one.start <= instant and (one.end is None or instant < one.end)
            if (one.department, one.meter) == (above, meter) and holds:
                return one.terms
        above = PARENTS[above]
    begun = [one for one in catalog.published if one.meter == meter and one.start <= instant]
    return max(begun, key=lambda one: one.start).terms


def parts(terms: Terms, before: Decimal, quantity: Decimal) -> Iterable[tuple[Decimal, Decimal]]:
    """A quantity that follows another one, as (part, price of a unit) in each tier; a negative one goes back."""
    if quantity < 0:
        yield from ((-part, amount) for part, amount in parts(terms, before + quantity, -quantity))
        return
    begin = Decimal("-Infinity")
    for end, amount in terms.tiers:
        beyond = before + quantity if end is None else end
        if quantity == 0 and begin <= before and (end is None or before < end):
            yield ZERO, amount
        part = min(before + quantity, beyond) - max(before, begin)
        if part > 0:
            yield part, amount
        begin = beyond


@dataclass
class _Month:
    """What one department has used of one meter so far."""

    quantity: Decimal = ZERO
    amount: Decimal = ZERO
    own: list[datetime] = field(default_factory=list)


def reference(catalog: Catalog, usage: Sequence[Used], start: datetime) -> Counter[Row]:
    """The internal charges of a period that begins at an instant."""
    with localcontext(prec=100):
        return _reference(catalog, usage, start)


def _reference(catalog: Catalog, usage: Sequence[Used], start: datetime) -> Counter[Row]:
    months: dict[tuple[str, str], _Month] = defaultdict(_Month)
    rows: Counter[Row] = Counter()
    for one in sorted(usage, key=lambda u: (u.started_at, u.tenant, u.resource or "", u.late, u.quantity)):
        department = TENANTS.get(one.tenant, "unassigned")
        month = months[department, one.meter]
        terms = terms_for(catalog, department, one.meter, one.started_at)
        for part, price in parts(terms, month.quantity, one.quantity):
            month.amount += ZERO if one.late else part * price
            rows[department, one.tenant, one.meter, one.resource, one.started_at, part, price, part * price,
                 "usage", one.late] += 1  # fmt: skip
        month.quantity += one.quantity
        if not one.late:
            month.own.append(one.started_at)
    for (department, meter), month in months.items():
        if month.own:
            minimum = terms_for(catalog, department, meter, max(month.own)).minimum or ZERO
            if minimum > month.amount:
                rows[department, department, meter, None, start, ZERO, ZERO, minimum - month.amount,
                     "minimum", False] += 1  # fmt: skip
    return rows
