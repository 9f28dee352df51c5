"""What a change of the catalog means for those who are charged, in words, and which usage it concerns.

What belongs here: sentences on products, meters, prices and agreements. What does not: finding changes and
making them (`apply`), and counting usage, which is rating's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from twinledger.catalog.terms import in_words
from twinledger.store import models


@dataclass(frozen=True, slots=True)
class Concerned:
    """Usage that a change concerns: of a meter, or of all meters of a product, between two instants.

    `tenants` narrows it to some, where an agreement is with some alone.
    """

    product: str
    meter: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    tenants: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """One change in words, and the usage whose charges it may change; `moves` where something published does."""

    words: str = ""
    concerned: Concerned | None = None
    moves: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the configuration says, as far as effects depend on it."""

    prices: Mapping[tuple[str, str], Sequence[models.Price]]
    departments: Sequence[models.Department]
    drafts: frozenset[str]
    published: frozenset[tuple[str, str]]
    """Meters that have a price already."""

    @classmethod
    def of(
        cls, rows: Mapping[type[models.Base], Sequence[models.Base]], published: Iterable[tuple[str, str]]
    ) -> Wanted:
        """From the rows of every table."""
        prices = defaultdict[tuple[str, str], list[models.Price]](list)
        for row in rows[models.Price]:
            if isinstance(row, models.Price):
                prices[row.product, row.meter].append(row)
        products = [row for row in rows[models.Product] if isinstance(row, models.Product)]
        return cls(
            {meter: sorted(found, key=lambda one: one.effective_from) for meter, found in prices.items()},
            [row for row in rows[models.Department] if isinstance(row, models.Department)],
            frozenset(one.name for one in products if one.state == "draft"),
            frozenset(published),
        )

    def tenants_below(self, department: str) -> tuple[str, ...]:
        """The tenants of a department and of all below it."""
        below = {department}
        for _ in self.departments:
            below |= {one.name for one in self.departments if one.parent in below}
        return tuple(sorted(tenant for one in self.departments if one.name in below for tenant in one.tenants))


def effect_of(row: models.Base, present: models.Base | None, wanted: Wanted) -> Effect:
    """The effect of writing a row in the place of the present one."""
    if isinstance(row, models.Price):
        return _price(row, wanted)
    if isinstance(row, models.Agreement):
        return _agreement(row, present if isinstance(present, models.Agreement) else None, wanted)
    if isinstance(row, models.Meter):
        return Effect(f"charged by the {row.unit}: {row.title}", moves=present is not None)
    if isinstance(row, models.Product):
        return _product(row, present if isinstance(present, models.Product) else None)
    return Effect(moves=present is not None)


def retirement_of(row: models.Base) -> Effect:
    """The effect of something that is gone from the configuration."""
    if isinstance(row, models.Product):
        return Effect("takes no more usage from the moment that this is applied", moves=True)
    return Effect(moves=True)


def _price(row: models.Price, wanted: Wanted) -> Effect:
    published = wanted.prices[row.product, row.meter]
    before = [one for one in published if one.effective_from < row.effective_from]
    after = [one for one in published if one.effective_from > row.effective_from]
    ends_at = after[0].effective_from if after else None
    until = f" until {_said(ends_at)}" if ends_at else ""
    words = f"{in_words(row)} from {_said(row.effective_from)}{until}, {_instead(before)}"
    if row.product in wanted.drafts:
        return Effect(f"{words}; a draft is not charged")
    concerned = Concerned(row.product, row.meter, row.effective_from, ends_at)
    return Effect(words, concerned, moves=(row.product, row.meter) in wanted.published)


def _instead(before: Sequence[models.Price]) -> str:
    return f"instead of {in_words(before[-1])}" if before else "the first price"


def _agreement(row: models.Agreement, present: models.Agreement | None, wanted: Wanted) -> Effect:
    tenants = wanted.tenants_below(row.department)
    until = f" until {_said(row.effective_to)}" if row.effective_to else ""
    if present is None:
        words = f"{row.department} and those below pay {in_words(row)} from {_said(row.effective_from)}{until}"
        concerned = Concerned(row.product, row.meter, row.effective_from, row.effective_to, tenants)
        return Effect(words, concerned, moves=True)
    ends = [one for one in (present.effective_to, row.effective_to) if one is not None]
    words = f"{row.department} and those below pay {in_words(row)}{until or ' without end'}"
    concerned = Concerned(row.product, row.meter, min(ends), max(ends) if len(ends) > 1 else None, tenants)
    return Effect(words, concerned, moves=True)


def _product(row: models.Product, present: models.Product | None) -> Effect:
    if present is None:
        return Effect(f"{row.state}: {row.title}, in pool {row.pool}")
    said, concerned = [], None
    if row.state != present.state:
        said.append(f"{present.state} -> {row.state}" + (" and charged from its prices on" * (row.state == "listed")))
        concerned = Concerned(row.name)
    if row.retired_at != present.retired_at and row.retired_at is not None:
        instants = [one for one in (row.retired_at, present.retired_at) if one is not None]
        said.append(f"takes no usage from {_said(row.retired_at)} on")
        concerned = Concerned(row.name, starts_at=None if present.state == "draft" else min(instants))
    if row.pool != present.pool:
        said.append(f"charged for pool {row.pool} instead of {present.pool}")
        concerned = Concerned(row.name)
    return Effect("; ".join(said), concerned, moves=present.state != "draft")


def _said(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
