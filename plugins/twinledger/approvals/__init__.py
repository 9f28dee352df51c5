"""Approvals: a wish to provision, one person's answer, and the grant that comes of it.

What belongs here: estimating and submitting a request, who may decide it, the decision itself and
what follows from it, all in one transaction. What does not: how a card looks (`slack`, `web`) and
how Airflow waits (`airflow`): those are views, and every surface decides through `decide`.
"""

from twinledger.approvals.decide import Decision, Outcome, decide, expire, expire_due, withdraw
from twinledger.approvals.desk import Desk
from twinledger.approvals.headroom import Headroom, headroom
from twinledger.approvals.people import by_airflow_user, by_slack_user
from twinledger.approvals.policy import Asked, Ruling, TriedCase, judge, policy, revision_of, try_cases
from twinledger.approvals.states import TRANSITIONS, Answer, Transition
from twinledger.approvals.submit import Submission, submit
from twinledger.approvals.view import RequestView, request_view, waiting_for

__all__ = [
    "TRANSITIONS",
    "Answer",
    "Asked",
    "Decision",
    "Desk",
    "Headroom",
    "Outcome",
    "RequestView",
    "Ruling",
    "Submission",
    "Transition",
    "TriedCase",
    "by_airflow_user",
    "by_slack_user",
    "decide",
    "expire",
    "expire_due",
    "headroom",
    "judge",
    "policy",
    "request_view",
    "revision_of",
    "submit",
    "try_cases",
    "waiting_for",
    "withdraw",
]
