"""What is told of alerts, as outbox messages.

What belongs here: which facts a message has, for whom. What does not: when something is told (`telling`), and words
and layout, which are the cards' (`slack`).

Internal amounts are for everyone; what vendors really charged is for finance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from twinledger.alerts.alert import Alert
from twinledger.outbox import Message
from twinledger.outbox.messages import Audience
from twinledger.store.models import OutboxItem
from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.money import plain

CARD = "alert"
"""One alert's own message; its subject is the alert's identity."""

DIGEST = "alert_digest"
"""A channel's day; its subject is `CHANNEL DAY`, so that there is one a day."""

_LINES = 30


def card_for(
    alert: Alert, channel: str, evidence: str, not_before: datetime | None = None, *, escalated: bool = False
) -> Message:
    """The message that tells an alert in one channel; `evidence` is what sets it apart from the one before."""
    facts = _facts(alert) | {"evidence": alert.evidence, "escalated": escalated}
    return Message(CARD, alert.id, channel, _audience(alert.view), facts, evidence, not_before)


def card_shown(alert: Alert, not_before: datetime) -> Iterator[Message]:
    """The messages that show an alert, brought up to date wherever it was told; nobody is called by them."""
    for channel in alert.places:
        facts = _facts(alert) | {"quiet": True}
        evidence = f"revision {alert.revision}"
        yield Message(CARD, alert.id, channel, _audience(alert.view), facts, evidence, not_before)


def card_again(session: Session, alert: Alert, now: datetime) -> Iterator[Message]:
    """As `card_shown`, at once; where the message before still waits for its time, right after that one."""
    query = (
        select(OutboxItem.channel, func.max(OutboxItem.not_before).label("at"))
        .where(OutboxItem.kind == CARD, OutboxItem.subject == alert.id, OutboxItem.state == "pending")
        .group_by(OutboxItem.channel)
    )
    waiting = {row.channel: row.at for row in session.execute(query)}
    for message in card_shown(alert, now):
        yield replace(message, not_before=max(waiting.get(message.channel, now), now))


def digest_of(alerts: Sequence[Alert], channel: str, day: date, at: datetime, *, storm: bool = False) -> Message:
    """One message of many alerts, the most money first; a storm says that they are of one run.

    Where any of them is what vendors really charged, it is for finance.
    """
    ranked = sorted(alerts, key=lambda one: (-abs(one.impact), one.id))
    facts = {
        "channel": channel,
        "day": day.isoformat(),
        "count": len(ranked),
        "lines": [_line(one) for one in ranked[:_LINES]],
        "storm": storm,
    }
    subject = f"{channel} {day.isoformat()}"
    audience: Audience = "finance" if any(one.view == "effective" for one in ranked) else "everyone"
    return Message(DIGEST, subject, channel, audience, facts, subject, at)


def channels_told(session: Session, day: date) -> frozenset[str]:
    """The channels that have the digest of a day already."""
    ending = f" {day.isoformat()}"
    query = select(OutboxItem.subject).where(OutboxItem.kind == DIGEST, OutboxItem.subject.endswith(ending))
    return frozenset(subject.removesuffix(ending) for subject in session.scalars(query))


def _audience(view: View) -> Audience:
    return "finance" if view == "effective" else "everyone"


def _money(amount: Decimal, currency: str) -> dict[str, str]:
    return {"amount": plain(amount), "currency": currency}


def _facts(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.id,
        "kind": alert.kind,
        "rule": alert.rule,
        "subject": alert.subject,
        "title": alert.title,
        "department": alert.department,
        "period": alert.period,
        "actual": _money(alert.actual, alert.currency),
        "expected": _money(alert.expected, alert.currency),
        "impact": _money(alert.impact, alert.currency),
        "since": alert.since.isoformat() if alert.since else None,
        "causes": [{"name": one.name, "amount": _money(one.amount, alert.currency)} for one in alert.causes],
        "reason": alert.reason,
        "data_as_of": alert.data_as_of.isoformat(),
        "state": alert.state,
        "owner": alert.owner,
        "assignee": alert.assignee or "",
        "anomaly": alert.anomaly,
    }


def _line(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.id,
        "rule": alert.rule,
        "title": alert.title,
        "period": alert.period,
        "impact": _money(alert.impact, alert.currency),
        "state": alert.state,
    }
