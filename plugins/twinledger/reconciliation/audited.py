"""What was promised to vendors and what came of it, as values.

What belongs here: frozen types and what follows from their figures. What does not: what counts for a commitment, which
`sql/reconciliation` says. Everything here is for finance only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from twinledger.vocabulary.money import round_to

EXPIRES_SOON = timedelta(days=60)
"""A commitment that ends sooner is said to be about to expire."""

_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class CommitmentUse:
    """One commitment and what counted for it: in one period, or since its term began.

    `unit` is a currency of spend, or the unit of a quantity. `committed` is what was promised for the span, `eligible`
    all usage that the commitment is about, in it or beyond it. Of a commitment whose use the bills tell (`per` is
    bill) `spent` is what was used of it, and `covered` the part of `eligible`, both at list cost, that it paid for.
    """

    id: str
    vendor: str
    kind: str
    per: str
    unit: str
    valid_from: date
    valid_to: date | None
    clause: str
    committed: Decimal
    eligible: Decimal
    spent: Decimal | None = None
    covered: Decimal | None = None

    @property
    def used(self) -> Decimal:
        """What of the promise was used."""
        return min(self.committed, max(self.eligible, Decimal(0))) if self.spent is None else self.spent

    @property
    def unused(self) -> Decimal:
        """What of the promise was not used."""
        return self.committed - self.used

    @property
    def coverage(self) -> Decimal | None:
        """The part of eligible usage that the promise covers, in percent to a hundredth; None of nothing."""
        part = self.used if self.covered is None else self.covered
        return round_to(part * 100 / self.eligible, _HUNDREDTH) if self.eligible > 0 else None

    def days_left(self, today: date) -> int | None:
        """Days until the first day that it no longer holds; below zero after it, None where nobody knows."""
        return None if self.valid_to is None else (self.valid_to - today).days

    def expires_soon(self, today: date) -> bool:
        """Whether it ends within `EXPIRES_SOON`, and has not ended."""
        left = self.days_left(today)
        return left is not None and 0 < left <= EXPIRES_SOON.days
