"""What matching says by resource and meter, as values.

What belongs here: frozen types, and the findings of rule `ambiguous_match`. What does not: matching, which is SQL
under `sql/reconciliation`, and confirming a suggestion (`aliases`).

Everything here is for finance only. Amounts are in the reporting currency, at internal prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

AMBIGUOUS = "ambiguous_match"
"""The rule of breaks that say that a resource fits several of the other side."""


@dataclass(frozen=True, slots=True)
class ResourceMeter:
    """One meter of one resource, or of one group, whose two sides differ.

    `side` is billed_not_metered, metered_not_billed or quantity_differs; `quantity` and `amount` are metered less
    billed.
    """

    pool: str
    resource: str
    product: str
    meter: str
    service: str | None
    side: str
    capacity_quantity: Decimal
    metered_quantity: Decimal
    quantity: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A billed and a metered resource that may be one: nothing is matched by it until somebody confirms it.

    `likeness` is case, tail (what follows the last slash or colon) or days (the same quantities on the same days);
    `amount` is what both would come to as idle.
    """

    pool: str
    billed: str
    metered: str
    likeness: str
    capacity_amount: Decimal
    metered_amount: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """A resource of one side (billed or metered) that fits several of the other: a break, never a guess.

    `amount` is the resource's own: billed below zero, metered above.
    """

    pool: str
    side: str
    resource: str
    likeness: str
    candidates: str
    amount: Decimal

    @property
    def subject(self) -> str:
        """As its break names it."""
        return f"{self.side} {self.resource}"


@dataclass(frozen=True, slots=True)
class Matching:
    """What a run found by resource and meter, the most money first."""

    differences: tuple[ResourceMeter, ...] = ()
    """The largest two hundred."""
    suggestions: tuple[Suggestion, ...] = ()
    ambiguities: tuple[Ambiguity, ...] = ()


NOTHING_MATCHED = Matching()
"""Of runs of before it was asked, and of those without evidence."""
