"""Reconciliation: how the two ledgers of a period differ, and why.

What belongs here: matching, the bridge, tolerances, breaks and their life, claims, the verdict, and
opening a component down to its rows. What does not: assigning charges to pools (`sql/pools`), rating
(`rating`), and what a message or page looks like (`slack`, `web`).

    inputs ──► models of sql/reconciliation ──► evidence ──► breaks ──► run, message, audit entry
"""

from twinledger.reconciliation.controlled import periods_to_check
from twinledger.reconciliation.covered import Missing, missing_coverage
from twinledger.reconciliation.held import HeldCause, HeldMonth, HeldPart, HeldPool, held_month, held_months
from twinledger.reconciliation.result import (
    BreakState,
    BridgeRow,
    Claim,
    ClaimLine,
    ComponentRow,
    Match,
    MeterMatch,
    Ownerless,
    PoolTotal,
    Reconciliation,
    RollForward,
    Tally,
)
from twinledger.reconciliation.rows import component_rows
from twinledger.reconciliation.run import read_reconciliation, reconcile_period
from twinledger.reconciliation.tolerance import DEFAULT_TOLERANCE, Limits, limits

__all__ = [
    "DEFAULT_TOLERANCE",
    "BreakState",
    "BridgeRow",
    "Claim",
    "ClaimLine",
    "ComponentRow",
    "HeldCause",
    "HeldMonth",
    "HeldPart",
    "HeldPool",
    "Limits",
    "Match",
    "MeterMatch",
    "Missing",
    "Ownerless",
    "PoolTotal",
    "Reconciliation",
    "RollForward",
    "Tally",
    "component_rows",
    "held_month",
    "held_months",
    "limits",
    "missing_coverage",
    "periods_to_check",
    "read_reconciliation",
    "reconcile_period",
]
