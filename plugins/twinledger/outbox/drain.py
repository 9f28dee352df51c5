"""Delivering what is queued: each item once, in order within its channel, by any number of workers.

What belongs here: claims, retries and the sender's port. What does not: any receiver's protocol.

A worker claims an item by compare-and-swap, sends it outside of any transaction, then marks it. One
that dies in between leaves the item `sending`; it is claimed again when the claim has run out, with
a higher `attempt`: the sender then looks for a message that carries the key and updates that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from twinledger.clock import Clock
from twinledger.store import Store
from twinledger.store.models import OutboxItem
from twinledger.store.once import change_once
from twinledger.vocabulary.errors import PermanentSendError, RetryableSendError

CLAIM_HOLDS = timedelta(minutes=5)
"""Longer than any sender may take."""

PERMANENT_ATTEMPTS = 3
SHORTEST_WAIT = timedelta(seconds=1)
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)
_UNFINISHED = ("pending", "sending")


class Sent(NamedTuple):
    """Where a message is now: the channel and timestamp by which Slack knows it, or nothing."""

    channel: str | None = None
    ts: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One claimed item, as a sender gets it."""

    key: str
    kind: str
    audience: str
    channel: str
    subject: str
    facts: Mapping[str, Any]
    attempt: int
    """1 at first; above it an earlier attempt may have arrived without our knowing."""
    update: Sent | None
    """The earlier message of the same (kind, subject, channel), to be replaced by this one."""


class Sender(Protocol):
    """Delivers one item; blocks for less than CLAIM_HOLDS."""

    def send(self, item: Outgoing) -> Sent:
        """Deliver, and say where it is.

        Raises:
            RetryableSendError: not now; with the receiver's Retry-After where it gave one.
            PermanentSendError: not as it is.
        """
        ...


class LocalSender:
    """Delivers nowhere: without a token the outbox itself is where messages are read."""

    def send(self, item: Outgoing) -> Sent:
        """Nothing to do."""
        del item
        return Sent()


@dataclass(frozen=True, slots=True)
class ByKind:
    """Hands each item to the sender of its kind, as `wake` to Airflow."""

    senders: Mapping[str, Sender]
    other: Sender

    def send(self, item: Outgoing) -> Sent:
        """Deliver through the kind's sender, else through `other`."""
        return self.senders.get(item.kind, self.other).send(item)


@dataclass(slots=True)
class DrainResult:
    """What one worker did."""

    sent: int = 0
    retried: int = 0
    failed: int = 0


class _Claim(NamedTuple):
    id: int
    item: Outgoing


def drain(store: Store, sender: Sender, clock: Clock) -> DrainResult:
    """Deliver all that is due, until nothing is.

    An item that waits to be tried again holds back the later ones of its channel, and no others; one whose
    time has not come yet holds back none. What a sender did not expect goes back to the queue and is raised.
    """
    result = DrainResult()
    while heads := _due(store, clock.now()):
        claims = 0
        for identity in heads:
            if claim := _claim(store, identity, clock.now()):
                claims += 1
                _deliver(store, sender, clock, claim, result)
        if not claims:  # all taken by other workers, who go on with them
            break
    return result


def _due(store: Store, now: datetime) -> list[int]:
    """The first unfinished item of each channel whose time has come once, where it is due."""
    begun = or_(OutboxItem.attempts > 0, OutboxItem.not_before <= now)
    unfinished = (OutboxItem.state.in_(_UNFINISHED), begun)
    heads = select(func.min(OutboxItem.id)).where(*unfinished).group_by(OutboxItem.channel)
    query = select(OutboxItem.id).where(OutboxItem.id.in_(heads), OutboxItem.not_before <= now).order_by(OutboxItem.id)
    with store.reading() as session:
        return list(session.scalars(query))


def _claim(store: Store, identity: int, now: datetime) -> _Claim | None:
    """Take an item: nobody else has it until CLAIM_HOLDS from now, or None if somebody else does."""
    with store.transaction() as session:
        item = session.get_one(OutboxItem, identity)
        if item.state not in _UNFINISHED or item.not_before > now:
            return None
        attempt = item.attempts + 1
        values = {"state": "sending", "attempts": attempt, "not_before": now + CLAIM_HOLDS}
        if not _swap(session, identity, item.state, item.attempts, values):
            return None
        earlier = _earlier(session, item)
        outgoing = Outgoing(
            item.key, item.kind, item.audience, item.channel, item.subject, item.facts, attempt, earlier
        )  # fmt: skip
        return _Claim(identity, outgoing)


def _swap(session: Session, identity: int, state: str, attempts: int, values: Mapping[str, Any]) -> bool:
    """Compare-and-swap on (state, attempts)."""
    unchanged = (OutboxItem.id == identity, OutboxItem.state == state, OutboxItem.attempts == attempts)
    return change_once(session, update(OutboxItem).where(*unchanged).values(**values))


def _earlier(session: Session, item: OutboxItem) -> Sent | None:
    query = (
        select(OutboxItem.message_channel, OutboxItem.message_ts)
        .where(
            OutboxItem.kind == item.kind,
            OutboxItem.subject == item.subject,
            OutboxItem.channel == item.channel,
            OutboxItem.id < item.id,
            OutboxItem.message_ts.is_not(None),
        )
        .order_by(OutboxItem.id.desc())
        .limit(1)
    )
    found = session.execute(query).first()
    return Sent(*found) if found else None


def _deliver(store: Store, sender: Sender, clock: Clock, claim: _Claim, result: DrainResult) -> None:
    """Send and mark. What is no `Exception`, as the end of the process, leaves the claim as it is."""
    attempt = claim.item.attempt
    try:
        sent = sender.send(claim.item)
    except RetryableSendError as error:
        asked = None if error.retry_after_s is None else timedelta(seconds=error.retry_after_s)
        result.retried += _mark(store, claim, _later(clock, attempt, asked) | {"error": str(error)})
    except PermanentSendError as error:
        if attempt >= PERMANENT_ATTEMPTS:
            result.failed += _mark(store, claim, {"state": "failed", "error": str(error)})
        else:
            result.retried += _mark(store, claim, _later(clock, attempt, None) | {"error": str(error)})
    except Exception as error:
        result.retried += _mark(store, claim, _later(clock, attempt, None) | {"error": type(error).__name__})
        raise
    else:
        values = {"state": "sent", "sent_at": clock.now(), "error": None}
        values |= {"message_channel": sent.channel, "message_ts": sent.ts}
        result.sent += _mark(store, claim, values)


def _later(clock: Clock, attempt: int, asked: timedelta | None) -> dict[str, Any]:
    """Back in the queue: for as long as the receiver asked, else for 5 s, 10 s, 20 s and so on to 15 min."""
    backoff = min(FIRST_WAIT * 2 ** min(attempt - 1, 20), LONGEST_WAIT)
    wait = backoff if asked is None else max(asked, SHORTEST_WAIT)
    return {"state": "pending", "not_before": clock.now() + wait}


def _mark(store: Store, claim: _Claim, values: Mapping[str, Any]) -> bool:
    """Whether the claim was still ours."""
    with store.transaction() as session:
        return _swap(session, claim.id, "sending", claim.item.attempt, values)
