"""The audit trail: who did what, when, on which facts.

What belongs here: appending to it, in the transaction of the deed. What does not: changing or
removing entries, which nothing does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from twinledger.clock import Clock
from twinledger.store.models import AuditEntry


def append(session: Session, clock: Clock, *, who: str, action: str, subject: str, facts: Mapping[str, Any]) -> None:
    """Record a deed; it is kept if and only if the caller's transaction is.

    Args:
        session: the transaction of the deed itself.
        clock: gives the instant, in UTC.
        who: a person's name, or the name of the rule, timer or DAG that acted.
        action: subject and verb, as in `request.approve`.
        subject: the identity of what was acted upon.
        facts: what the deed was done on, as JSON: amounts are decimal strings with their currency.
    """
    session.add(AuditEntry(at=clock.now(), who=who, action=action, subject=subject, facts=dict(facts)))
