"""Settling refusals: a delivery that was refused is in the ledger after all, or another one in its place.

What belongs here: which refusals a delivery settles, and telling finance. What does not: taking it.
"""

from __future__ import annotations

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from twinledger.books import Books
from twinledger.outbox import Message, enqueue
from twinledger.store import audit
from twinledger.store.models import Delivery, OutboxItem

ACTOR = "ingest_bills"


def resolve_refused(session: Session, books: Books, source: str, key: str, delivery: str) -> tuple[str, ...]:
    """Settle what was refused under a key once a delivery under it is dealt with, in that transaction.

    Earlier deliveries that were refused under the key are superseded: their place is taken. Finance,
    which was told of each once, is told once more that it is settled. Repeating it changes nothing.

    Args:
        session: the transaction that records the delivery.
        books: the deployment.
        source: the source of the delivery.
        key: the manifest or file that announced it.
        delivery: the identity of the delivery that is now in the ledger, or was superseded by a newer one.

    Returns:
        The deliveries that are superseded by it.
    """
    session.flush()
    taken = session.get_one(Delivery, delivery)
    query = select(Delivery).where(
        Delivery.source == source,
        or_(
            Delivery.id == delivery,
            and_(Delivery.key == key, Delivery.state == "quarantined", Delivery.delivered_at <= taken.delivered_at),
        ),
    )
    settled = []
    for row in session.scalars(query.order_by(Delivery.id)).all():
        if row.state == "quarantined":
            row.state = "superseded"
            facts = {"by": delivery, "key": key}
            audit.append(
                session, books.clock, who=ACTOR, action="delivery.superseded", subject=row.id, facts=facts
            )  # fmt: skip
            settled.append(row.id)
        _tell(session, books, row.id, delivery if taken.state == "ingested" else "a newer delivery")
    session.flush()
    return tuple(settled)


def _tell(session: Session, books: Books, refused: str, by: str) -> None:
    """Tell that it is settled, where it was told that it was refused."""
    query = (
        select(OutboxItem.facts)
        .where(OutboxItem.kind == "quarantine", OutboxItem.subject == refused)
        .order_by(OutboxItem.id.desc())
        .limit(1)
    )
    told = session.scalar(query)
    if told is None or told.get("resolved"):
        return
    channel = books.settings.slack.finance_channel
    facts = {**told, "resolved": by}
    enqueue(session, Message("quarantine", refused, channel, "finance", facts), books.clock)
