"""Alerts for people: lists, and one with all that was said and done.

What belongs here: reading. What does not: deeds (`life`), and an alert's life without figures (`kept.alert_view`).

An alert of what vendors really charged is for finance alone: so are lists, which may hold one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from twinledger.alerts.alert import Alert
from twinledger.alerts.kept import found, to_alert
from twinledger.alerts.messages import CARD
from twinledger.alerts.routing import read_tree
from twinledger.alerts.states import OPEN
from twinledger.approvals import Desk
from twinledger.store import models
from twinledger.vocabulary.audiences import ForFinance


@dataclass(frozen=True, slots=True)
class WantedAlerts:
    """Which alerts are asked for; empty is any. The state `open` is new, acknowledged and snoozed."""

    state: str = "open"
    department: str = ""
    """This one, and those below it."""


@dataclass(frozen=True, slots=True)
class AlertNote(ForFinance):
    """What somebody said."""

    who: str
    at: datetime
    surface: str
    text: str


@dataclass(frozen=True, slots=True)
class AlertDeed(ForFinance):
    """One entry of an alert's history; amounts in the facts are decimal strings."""

    at: datetime
    who: str
    action: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AlertTold(ForFinance):
    """One message about it alone; `not_before` is from when on it may be read."""

    channel: str
    not_before: datetime
    state: str
    said: str


@dataclass(frozen=True, slots=True)
class AlertHistory(ForFinance):
    """One alert with all that was said, done and told."""

    alert: Alert
    notes: tuple[AlertNote, ...]
    deeds: tuple[AlertDeed, ...]
    told: tuple[AlertTold, ...]


def alert_list(desk: Desk, wanted: WantedAlerts | None = None) -> list[Alert]:
    """Alerts, the most money first."""
    asked = wanted or WantedAlerts()
    query = select(models.Alert)
    if asked.state:
        query = query.where(models.Alert.state.in_(OPEN if asked.state == "open" else (asked.state,)))
    with desk.store.reading() as session:
        tree = read_tree(session, desk.settings.slack.finance_channel)
        rows = [to_alert(row) for row in session.scalars(query)]
    tops = (asked.department,)
    alerts = [one for one in rows if not asked.department or tree.is_below(one.department, tops)]
    return sorted(alerts, key=lambda one: (-one.impact.copy_abs(), one.id))


def alert_history(desk: Desk, alert_id: str) -> AlertHistory:
    """One alert with its notes, history and messages, the earliest first; raises UnknownNameError."""
    with desk.store.reading() as session:
        alert = to_alert(found(session, alert_id))
        said = select(models.AlertNote).where(models.AlertNote.alert_id == alert_id).order_by(models.AlertNote.id)
        done = select(models.AuditEntry).where(models.AuditEntry.subject == alert_id)
        sent = select(models.OutboxItem).where(models.OutboxItem.kind == CARD, models.OutboxItem.subject == alert_id)
        return AlertHistory(
            alert,
            tuple(AlertNote(one.who, one.at, one.surface, one.text) for one in session.scalars(said)),
            tuple(
                AlertDeed(one.at, one.who, one.action, one.facts)
                for one in session.scalars(done.order_by(models.AuditEntry.sequence))
            ),
            tuple(_told(one) for one in session.scalars(sent.order_by(models.OutboxItem.id))),
        )


def _told(item: models.OutboxItem) -> AlertTold:
    said = "brought up to date" if item.facts.get("quiet") else item.facts.get("evidence") or "told"
    return AlertTold(item.channel, item.not_before, item.state, said)
