"""What finance reviews of a month beside what everyone does: held cost, breaks, claims, savings, vendors' effects.

What belongs here: these as values. What does not: anything that is for everyone (`review`), and reading them
(`company_read`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

# Not at the door of pools, through which catalog comes in: these two build on catalog.
from twinledger.reconciliation import BreakLine
from twinledger.reviews.review import Review
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.money import Money


@dataclass(frozen=True, slots=True)
class VendorMoved(ForFinance):
    """Why a service of a vendor costs more or less than the month before, as effective cost in the bill's currency."""

    vendor: str
    service: str
    before: Money
    after: Money
    price: Money
    volume: Money
    mix: Money
    new: Money
    gone: Money

    @property
    def change(self) -> Money:
        """How much more it is than it was."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class HeldLine(ForFinance):
    """What of a pool's cost the platform could not charge on; shares in percent of the external cost."""

    pool: str
    external: Money
    held: Money
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class Reconciled(ForFinance):
    """What the last reconciliation of the month says."""

    verdict: str
    internal: Money
    external: Money
    deviation: Money
    held: HeldLine
    """Over all pools."""
    pools: tuple[HeldLine, ...]
    claims: int
    claimed: Money


@dataclass(frozen=True, slots=True)
class OpenBreaks(ForFinance):
    """The breaks of the month that nobody has resolved; `amount` adds their sizes, without their signs."""

    count: int
    amount: Money
    largest: tuple[BreakLine, ...]


@dataclass(frozen=True, slots=True)
class Saving(ForFinance):
    """What the commitments of one provider saved."""

    provider: str
    saving: Money


@dataclass(frozen=True, slots=True)
class UnusedCommitment(ForFinance):
    """A commitment of which the month left a part unused, in its own unit."""

    commitment: str
    vendor: str
    committed: Decimal
    unused: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class OwnerKnown(ForFinance):
    """How the owners of directly owned resources are known: list cost, and its share in percent."""

    how: str
    list_cost: Money
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class VendorAnomaly(ForFinance):
    """A stretch of the month that was not as expected, in what vendors really charged."""

    id: str
    title: str
    shape: str
    start: datetime
    actual: Money
    expected: Money
    causes: tuple[str, ...]
    reason: str
    state: str
    answer: str

    @property
    def impact(self) -> Money:
        """Actual less expected."""
        return self.actual - self.expected


@dataclass(frozen=True, slots=True)
class CompanyReview(ForFinance):
    """The company's month: what everyone may read, and what only finance may."""

    shared: Review
    reconciled: Reconciled | None
    """None where the month was never reconciled."""
    breaks: OpenBreaks
    effects: tuple[VendorMoved, ...]
    savings: tuple[Saving, ...]
    unused: tuple[UnusedCommitment, ...]
    owners: tuple[OwnerKnown, ...]
    anomalies: tuple[VendorAnomaly, ...]
    notes: tuple[str, ...]
    """What could not be told, and why."""
