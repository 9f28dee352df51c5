"""What is to be told: queueing it, and looking at the queue.

What belongs here: the identity of a message. What does not: delivering it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.clock import Clock
from twinledger.store import Store
from twinledger.store.models import OutboxItem
from twinledger.store.once import insert_once
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.identities import digest

Audience = Literal["finance", "everyone"]


@dataclass(frozen=True, slots=True)
class Message:
    """One fact to tell in one channel.

    (kind, subject, channel) is the message's place: a later message of the same place updates the
    earlier one where the receiver can. `evidence` is what it says; empty, it is the facts themselves.
    """

    kind: str
    subject: str
    channel: str
    audience: Audience
    facts: Mapping[str, Any] = field(default_factory=dict)
    """JSON; amounts are decimal strings with their currency."""
    evidence: str = ""
    not_before: datetime | None = None

    def key(self, number: int) -> str:
        """The key of this message as the so-manieth of its place."""
        evidence = self.evidence or json.dumps(self.facts, sort_keys=True)
        return f"{number}-{digest(self.kind, self.subject, self.channel, str(number), evidence)}"


def enqueue(session: Session, message: Message, clock: Clock) -> bool:
    """Queue a message in the caller's transaction; whether it is new.

    A message that says what the last one of its place said is not new, however often it is queued.
    One that says something else is, also when it returns to what was said before the last.
    """
    query = (
        select(OutboxItem.key)
        .where(
            OutboxItem.kind == message.kind,
            OutboxItem.subject == message.subject,
            OutboxItem.channel == message.channel,
        )
        .order_by(OutboxItem.id.desc())
        .limit(1)
    )
    last = session.scalar(query)
    number = int(last.partition("-")[0]) if last else 0
    if last and last == message.key(number):
        return False
    # not new either where somebody else tells the same at the same time
    return insert_once(session, OutboxItem, "key", _item(message, number + 1, clock.now()))


def _item(message: Message, number: int, now: datetime) -> dict[str, Any]:
    return {
        "key": message.key(number),
        "kind": message.kind,
        "audience": message.audience,
        "channel": message.channel,
        "subject": message.subject,
        "facts": dict(message.facts),
        "state": "pending",
        "attempts": 0,
        "not_before": message.not_before or now,
        "created_at": now,
    }


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One item of the outbox, as pages and the command line show it."""

    id: int
    kind: str
    audience: str
    channel: str
    subject: str
    state: str
    attempts: int
    not_before: datetime
    created_at: datetime
    sent_at: datetime | None
    error: str | None
    facts: Mapping[str, Any]


def _entry(item: OutboxItem) -> OutboxEntry:
    return OutboxEntry(**{name: getattr(item, name) for name in OutboxEntry.__slots__})


def entries(
    store: Store, state: str = "", audience: Audience | Literal[""] = "", limit: int = 200
) -> list[OutboxEntry]:
    """The newest items first, of one state or audience where given."""
    query = select(OutboxItem).order_by(OutboxItem.id.desc()).limit(limit)
    if state:
        query = query.where(OutboxItem.state == state)
    if audience:
        query = query.where(OutboxItem.audience == audience)
    with store.reading() as session:
        return [_entry(item) for item in session.scalars(query)]


def entry(store: Store, identity: int) -> OutboxEntry:
    """One item; raises UnknownNameError where there is none."""
    with store.reading() as session:
        item = session.get(OutboxItem, identity)
        if item is None:
            newest = session.scalars(select(OutboxItem.id).order_by(OutboxItem.id.desc()).limit(10))
            raise UnknownNameError(kind="outbox item", name=str(identity), known=[str(one) for one in newest])
        return _entry(item)
