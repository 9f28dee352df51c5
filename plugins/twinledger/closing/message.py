"""What finance is told when a period is closed.

What belongs here: the facts of that message. What does not: words and layout (`slack`), and what departments are
told, which `statements` knows.
"""

from __future__ import annotations

from collections.abc import Sequence

from twinledger.books import Books
from twinledger.outbox import Message
from twinledger.signing import SignatureView
from twinledger.store.models import PeriodState


def closed_message(
    books: Books, row: PeriodState, decided: tuple[str, str, str], sealed: Sequence[SignatureView], audit_head: str
) -> Message:
    """Who closed a period, on whose signatures; with the audit trail's head, which is then kept outside of the store.

    Args:
        books: finance's channel.
        row: the period, with who asked.
        decided: who agreed, on which surface, and the comment.
        sealed: the signatures that it is closed on.
        audit_head: SEQUENCE:HASH.
    """
    who, surface, comment = decided
    facts = {
        "period": row.period,
        "asked_by": row.asked_by or "",
        "decided_by": who,
        "surface": surface,
        "comment": comment,
        "statements": [
            {"pool": one.pool, "prepared_by": one.prepared_by or "", "signed_by": one.decided_by or ""}
            for one in sealed
        ],
        "audit_head": audit_head,
    }
    return Message("period_closed", row.period, books.settings.slack.finance_channel, "finance", facts)
