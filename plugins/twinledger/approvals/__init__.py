"""Approvals: a wish to provision, one person's answer, and the grant that comes of it.

What belongs here: estimating and submitting a request, who may decide it, the decision itself and
what follows from it, all in one transaction. What does not: how a card looks (`slack`, `web`) and
how Airflow waits (`airflow`): those are views, and every surface decides through `decide`.
"""

from twinledger.approvals.absences import AbsenceView, absences, be_away, be_back
from twinledger.approvals.cards import counts_cards, use_of_cards, wanted_cards
from twinledger.approvals.decide import Decision, Outcome, decide, expire, expire_due, withdraw
from twinledger.approvals.desk import Desk
from twinledger.approvals.grant_life import Broker, Credentials, redeem, revoke
from twinledger.approvals.grants import GrantState, GrantView, grant_view, grants_of
from twinledger.approvals.headroom import Headroom, headroom, holding, left, moved
from twinledger.approvals.inbox import Said, carry_out, left_behind, write_down
from twinledger.approvals.people import by_airflow_user, by_slack_user
from twinledger.approvals.policy import Asked, Ruling, TriedCase, judge, policy, revision_of, try_cases
from twinledger.approvals.record import (
    RequestRecord,
    WantedRequests,
    request_record,
    request_records,
    requests,
)
from twinledger.approvals.remind import Reminded, escalate, remind_due
from twinledger.approvals.signed_grants import (
    MOST_GRANT_BYTES,
    PublicKey,
    SigningKey,
    VerifiedGrant,
    ensure_signing_key,
    grant_document,
    signed_grant,
    signing_key,
    verified_grant,
)
from twinledger.approvals.states import TRANSITIONS, Answer, Transition
from twinledger.approvals.submit import Preview, Submission, amend, preview, submit
from twinledger.approvals.view import WAKE, RequestView, request_view, waiting_for

__all__ = [
    "MOST_GRANT_BYTES",
    "TRANSITIONS",
    "WAKE",
    "AbsenceView",
    "Answer",
    "Asked",
    "Broker",
    "Credentials",
    "Decision",
    "Desk",
    "GrantState",
    "GrantView",
    "Headroom",
    "Outcome",
    "Preview",
    "PublicKey",
    "Reminded",
    "RequestRecord",
    "RequestView",
    "Ruling",
    "Said",
    "SigningKey",
    "Submission",
    "Transition",
    "TriedCase",
    "VerifiedGrant",
    "WantedRequests",
    "absences",
    "amend",
    "be_away",
    "be_back",
    "by_airflow_user",
    "by_slack_user",
    "carry_out",
    "counts_cards",
    "decide",
    "ensure_signing_key",
    "escalate",
    "expire",
    "expire_due",
    "grant_document",
    "grant_view",
    "grants_of",
    "headroom",
    "holding",
    "judge",
    "left",
    "left_behind",
    "moved",
    "policy",
    "preview",
    "redeem",
    "remind_due",
    "request_record",
    "request_records",
    "request_view",
    "requests",
    "revision_of",
    "revoke",
    "signed_grant",
    "signing_key",
    "submit",
    "try_cases",
    "use_of_cards",
    "verified_grant",
    "waiting_for",
    "wanted_cards",
    "withdraw",
    "write_down",
]
