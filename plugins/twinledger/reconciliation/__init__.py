"""Reconciliation: how the two ledgers of a period differ, and why.

What belongs here: matching, the bridge, tolerances, breaks and their life, claims, the verdict, and
opening a component down to its rows. What does not: assigning charges to pools (`sql/pools`), rating
(`rating`), and what a message or page looks like (`slack`, `web`).

    inputs ──► sums by slice ──► models of sql/reconciliation ──► evidence ──► breaks ──► run, message, audit entry
"""

from twinledger.reconciliation.action_rules import Action, ActionRule, AwsAccess, DetectionFile, load_detection
from twinledger.reconciliation.actions import TAG, Hands, Proposal, act, approve_action, proposals
from twinledger.reconciliation.aliases import confirm_match, match_suggestions, resource_aliases, withdraw_match
from twinledger.reconciliation.audited import CommitmentUse
from twinledger.reconciliation.causes import DIMENSIONS, Contributor, RootCause, read_cause, root_cause
from twinledger.reconciliation.certification import Certification, Reason, ReasonCode, certification
from twinledger.reconciliation.claim_file import claim_file
from twinledger.reconciliation.claims import ContractClaims, contract_claims
from twinledger.reconciliation.controlled import periods_to_check
from twinledger.reconciliation.covered import Missing, missing_coverage
from twinledger.reconciliation.held import HeldCause, HeldMonth, HeldPart, HeldPool, held_month, held_months
from twinledger.reconciliation.life import (
    ASSIGNED,
    TRANSITIONS,
    Verb,
    accept,
    acknowledge,
    assign,
    comment,
    fix,
    snooze,
)
from twinledger.reconciliation.matched import Ambiguity, Matching, ResourceMeter, Suggestion
from twinledger.reconciliation.owners import OwnerRule, owner_rules, priorities
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
from twinledger.reconciliation.run import known_reconciliation, read_reconciliation, reconcile_period
from twinledger.reconciliation.signoff import sign_off
from twinledger.reconciliation.statement import (
    PROVENANCE,
    PeriodStatement,
    department_statement,
    pool_statement,
    shares_of,
    statement_digest,
    statement_figures,
    statement_json,
)
from twinledger.reconciliation.statement_files import folder_name, manifest
from twinledger.reconciliation.statement_folder import (
    Checked,
    department_statements,
    newest_run,
    period_statement,
    pool_statements,
    render_statement,
    verify_folder,
    write_files,
)
from twinledger.reconciliation.statement_rows import Opened, open_components
from twinledger.reconciliation.sums import sum_slices
from twinledger.reconciliation.targets import Target
from twinledger.reconciliation.tolerance import DEFAULT_TOLERANCE, Limits, limits
from twinledger.reconciliation.ungranted import Ungranted, ungranted_resources
from twinledger.reconciliation.worklist import (
    AGE_CLASSES,
    OLDEST,
    BreakLine,
    BreakView,
    Wanted,
    age_class,
    break_lines,
    break_view,
    find_break,
)

__all__ = [
    "AGE_CLASSES",
    "ASSIGNED",
    "DEFAULT_TOLERANCE",
    "DIMENSIONS",
    "OLDEST",
    "PROVENANCE",
    "TAG",
    "TRANSITIONS",
    "Action",
    "ActionRule",
    "Ambiguity",
    "AwsAccess",
    "BreakLine",
    "BreakState",
    "BreakView",
    "BridgeRow",
    "Certification",
    "Checked",
    "Claim",
    "ClaimLine",
    "CommitmentUse",
    "ComponentRow",
    "ContractClaims",
    "Contributor",
    "DetectionFile",
    "Hands",
    "HeldCause",
    "HeldMonth",
    "HeldPart",
    "HeldPool",
    "Limits",
    "Match",
    "Matching",
    "MeterMatch",
    "Missing",
    "Opened",
    "OwnerRule",
    "Ownerless",
    "PeriodStatement",
    "PoolTotal",
    "Proposal",
    "Reason",
    "ReasonCode",
    "Reconciliation",
    "ResourceMeter",
    "RollForward",
    "RootCause",
    "Suggestion",
    "Tally",
    "Target",
    "Ungranted",
    "Verb",
    "Wanted",
    "accept",
    "acknowledge",
    "act",
    "age_class",
    "approve_action",
    "assign",
    "break_lines",
    "break_view",
    "certification",
    "claim_file",
    "comment",
    "component_rows",
    "confirm_match",
    "contract_claims",
    "department_statement",
    "department_statements",
    "find_break",
    "fix",
    "folder_name",
    "held_month",
    "held_months",
    "known_reconciliation",
    "limits",
    "load_detection",
    "manifest",
    "match_suggestions",
    "missing_coverage",
    "newest_run",
    "open_components",
    "owner_rules",
    "period_statement",
    "periods_to_check",
    "pool_statement",
    "pool_statements",
    "priorities",
    "proposals",
    "read_cause",
    "read_reconciliation",
    "reconcile_period",
    "render_statement",
    "resource_aliases",
    "root_cause",
    "shares_of",
    "sign_off",
    "snooze",
    "statement_digest",
    "statement_figures",
    "statement_json",
    "sum_slices",
    "ungranted_resources",
    "verify_folder",
    "withdraw_match",
    "write_files",
]
