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

from twinledger.reconciliation.audited import CommitmentUse
from twinledger.reconciliation.matched import NOTHING_MATCHED, Matching
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period

Verdict = Literal["incomplete", "breaks", "warnings", "pending", "reconciled"]
"""In order of severity, the worst first."""


def verdict(missing: bool, breaks: bool, warnings: bool, pending: bool) -> Verdict:  # noqa: FBT001 - four equal signs
    """The worst that holds."""
    found: tuple[tuple[bool, Verdict], ...] = (
        (missing, "incomplete"),
        (breaks, "breaks"),
        (warnings, "warnings"),
        (pending, "pending"),
    )
    return next((name for holds, name in found if holds), "reconciled")


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
    """What a vendor billed above one contract card in one pool, or below it; above it `amount` is below zero.

    A card with tiers is of a month over all pools: its pool is empty.
    """

    pool: str
    card: str
    vendor: str
    sku: str
    line_count: int
    quantity: Decimal
    billed_amount: Decimal
    agreed_amount: Decimal
    amount: Decimal
    direction: str = "over"
    """over, which is claimed, or under."""


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
    assignee: str | None = None
    snoozed_until: datetime | None = None
    resolution: str | None = None
    acted_by: str | None = None
    acted_at: datetime | None = None
    acted_on: str | None = None
    """Who brought it to its state, when and where; None while nobody did."""


@dataclass(frozen=True, slots=True)
class Tally:
    """A number of breaks and their signed amounts."""

    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class RollForward:
    """How the open breaks of a period changed since the run before: opening + new - resolved = closing.

    A break that stays and grows adds to the amount of `new`, one that shrinks to that of `resolved`. What people
    resolved since the run before is of `resolved`; one that this run found again is of `new` as well.
    """

    opening: Tally
    new: Tally
    resolved: Tally
    closing: Tally
    fixed: Tally = Tally(0, Decimal(0))
    """Of the resolved ones: by a booking, as somebody said."""
    accepted: Tally = Tally(0, Decimal(0))
    """Of the resolved ones: somebody accepted them."""

    @property
    def cleared(self) -> Tally:
        """Of the resolved ones: those that no run finds any more, and what others shrank by."""
        count = self.resolved.count - self.fixed.count - self.accepted.count
        return Tally(count, exact_sum((self.resolved.amount, -self.fixed.amount, -self.accepted.amount)))


@dataclass(frozen=True, slots=True)
class ServicePart:
    """What one service has to do with a component of a pool that comes from charges alone."""

    pool: str
    component: str
    service: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PoolRoll:
    """How the open breaks of one pool changed; those of no pool stand under `unassigned`."""

    pool: str
    roll_forward: RollForward


@dataclass(frozen=True, slots=True)
class Charged:
    """What one department is charged of one pool: to the last decimal, and in rounded statement lines."""

    pool: str
    department: str
    amount_exact: Decimal
    amount: Decimal
    lines: int


@dataclass(frozen=True, slots=True)
class GateCheck:
    """One suite that the gate ran: on which table, how many expectations held, and the page that shows them."""

    table: str
    expectations: int
    docs: str


@dataclass(frozen=True, slots=True)
class Tolerated:
    """How far one component of one pool could lie from zero; None is any distance."""

    pool: str
    component: str
    above: Decimal | None
    below: Decimal | None
    from_days: int = 0
    """The age of the break from which on it holds, in days."""


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
    external_cut: str = ""
    internal_cut: str = ""
    """The snapshots of both ledgers that it was made from."""
    charged: tuple[Charged, ...] = ()
    tolerated: tuple[Tolerated, ...] = ()
    """Every component of every pool; none in runs of before statements were made of them."""
    rolls: tuple[PoolRoll, ...] = ()
    checks: tuple[GateCheck, ...] = ()
    """What the gate looked at; `docs` is the page of the first, the bridge."""
    matching: Matching = NOTHING_MATCHED
    """What is matched by resource and meter, suggested, and ambiguous."""
    undercharges: tuple[Claim, ...] = ()
    """What vendors billed below contract cards: shown, never claimed."""
    commitments: tuple[CommitmentUse, ...] = ()
    """Of this period alone, also where one is for a longer term."""
    pending: bool = False
    """Whether more data were to come: the period was not over."""
    settled: tuple[BreakState, ...] = ()
    """Breaks that people resolved, and that the last run found all the same."""
    services: tuple[ServicePart, ...] = ()
    """The three largest services of each component that comes from charges alone."""

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
