"""What a reconciliation says, as values.

What belongs here: frozen types and the sums over them. What does not: how they come about.

Everything here is for finance only. Amounts are in the reporting currency; instants are in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period

Verdict = Literal["incomplete", "breaks", "warnings", "pending", "reconciled"]
"""In order of severity, the worst first."""

HELD = ("idle", "unmetered", "unassigned")
"""Components that are pool cost the platform could not charge on."""


@dataclass(frozen=True, slots=True)
class BridgeRow:
    """One component of one pool: a signed contribution to the pool's deviation."""

    pool: str
    component: str
    amount: Decimal
    currency: str
    rows: int


@dataclass(frozen=True, slots=True)
class PoolTotal:
    """Both ledgers of one pool; `deviation` is internal less external."""

    pool: str
    internal_amount: Decimal
    external_amount: Decimal
    deviation: Decimal


@dataclass(frozen=True, slots=True)
class Match:
    """One resource of one pool whose two sides differ, both at the internal price."""

    pool: str
    component: str
    resource: str
    service: str | None
    capacity_amount: Decimal
    metered_amount: Decimal
    amount: Decimal
    charges: int
    records: int


@dataclass(frozen=True, slots=True)
class MeterMatch:
    """One meter of one pool that only one side knows: billed_not_metered or metered_not_billed."""

    pool: str
    product: str
    meter: str
    side: str
    capacity_quantity: Decimal
    metered_quantity: Decimal
    capacity_amount: Decimal
    metered_amount: Decimal


@dataclass(frozen=True, slots=True)
class Claim:
    """What a vendor billed above one contract card in one pool; `amount` is below zero."""

    pool: str
    card: str
    vendor: str
    sku: str
    line_count: int
    quantity: Decimal
    billed_amount: Decimal
    agreed_amount: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """One bill line that was billed above the agreed price."""

    pool: str
    card: str
    vendor: str
    sku: str
    region: str | None
    resource: str | None
    source: str
    delivery: str
    line: int
    started_at: datetime
    quantity: Decimal
    billed_amount: Decimal
    agreed_amount: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Ownerless:
    """What of one service of one pool nobody's tag or account claims: its effective cost."""

    pool: str
    service: str
    amount: Decimal
    charges: int


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """One row of a component: a charge (external), an internal charge, a statement line, or a resource of both."""

    side: str
    source: str | None
    delivery: str | None
    line: int | None
    started_at: datetime | None
    resource: str | None
    service: str | None
    sku: str | None
    department: str | None
    product: str | None
    meter: str | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class BreakState:
    """One open break as it is after a run."""

    id: str
    rule: str
    pool: str
    subject: str
    amount: Decimal
    currency: str
    tolerance: Decimal
    owner: str
    state: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """A number of breaks and their signed amounts."""

    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class RollForward:
    """How the open breaks of a period changed: opening + new - resolved = closing.

    A break that stays and grows adds to the amount of `new`, one that shrinks to that of `resolved`.
    """

    opening: Tally
    new: Tally
    resolved: Tally
    closing: Tally


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One comparison of both ledgers for a period. Finance only."""

    run_id: str
    period: Period
    verdict: Verdict
    currency: str
    ran_at: datetime
    bridge: tuple[BridgeRow, ...]
    totals: tuple[PoolTotal, ...]
    matches: tuple[Match, ...]
    """The largest differences by resource: billed and not metered, metered and not billed, idle."""
    meters: tuple[MeterMatch, ...]
    claims: tuple[Claim, ...]
    claim_lines: tuple[ClaimLine, ...]
    breaks: tuple[BreakState, ...]
    missing: tuple[str, ...]
    warnings: tuple[str, ...]
    tolerances: tuple[str, ...]
    """The tolerances that were used, one sentence for each pool and component of the bridge."""
    roll_forward: RollForward
    docs: str
    changed: bool
    """Whether anything was written: not when the inputs are those of the last run."""
    ownership: tuple[Ownerless, ...] = ()
    """What would be held if charges were charged on by ownership alone; none in runs of before it was asked."""

    @property
    def internal_amount(self) -> Decimal:
        """The internal ledger's total: statement lines."""
        return exact_sum(total.internal_amount for total in self.totals)

    @property
    def external_amount(self) -> Decimal:
        """The external ledger's total, at the rates of the days it was booked on."""
        return exact_sum(total.external_amount for total in self.totals)

    @property
    def deviation(self) -> Decimal:
        """Internal less external."""
        return exact_sum(total.deviation for total in self.totals)

    @property
    def held_cost(self) -> Decimal:
        """What the platform could not charge on: idle, unmetered and unassigned, as a cost."""
        return -self.component_amount(HELD)

    def component_amount(self, components: Iterable[str]) -> Decimal:
        """The sum of components over all pools."""
        wanted = set(components)
        return exact_sum(row.amount for row in self.bridge if row.component in wanted)
