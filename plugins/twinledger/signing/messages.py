"""What finance is told of a signature.

What belongs here: which outbox items a change makes, and their facts. What does not: words and layout (`slack`).

The card of a statement is one message in finance's channel, rendered from the state as it is when it is sent.
An outcome is also told to whoever it concerns: in person, where Slack knows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from twinledger.approvals import Desk
from twinledger.outbox import Message, enqueue
from twinledger.store.models import Person, Signature

CARD = "signoff"
REPLY = "signoff_reply"


def queue_card(session: Session, desk: Desk, row: Signature) -> None:
    """The card of a statement's present state, in finance's channel."""
    facts = {
        "period": row.period,
        "pool": row.pool,
        "revision": row.revision,
        "currency": desk.settings.reporting_currency,
    }
    channel = desk.settings.slack.finance_channel
    message = Message(CARD, f"{row.period} {row.pool}", channel, "finance", facts, evidence=str(row.revision))
    enqueue(session, message, desk.clock)


def queue_reply(
    session: Session, desk: Desk, row: Signature, people: Iterable[str], changes: Sequence[dict[str, Any]] = ()
) -> None:
    """Tell people how a statement of theirs stands now; several in one channel are told once."""
    facts = {
        "period": row.period,
        "pool": row.pool,
        "state": row.state,
        "who": row.decided_by or "",
        "at": row.decided_at.isoformat() if row.decided_at else "",
        "surface": row.decided_on or "",
        "comment": row.comment or "",
        "changes": list(changes),
    }
    known = (session.get(Person, name) for name in people)
    users = {person.slack_user if person else None for person in known}
    channels = {user or desk.settings.slack.finance_channel for user in users}
    for channel in sorted(channels):
        message = Message(
            REPLY, f"{row.period} {row.pool}", channel, "finance", facts, evidence=f"{row.revision} {row.state}"
        )
        enqueue(session, message, desk.clock)
