"""Alerts for people: lists, and one with all that was said and done.

What belongs here: reading. What does not: deeds (`life`), and an alert's life without figures (`kept.alert_view`).

An alert of what vendors really charged is for finance alone: so are lists, which may hold one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from twinledger.alerts.alert import Alert
from twinledger.alerts.kept import to_alert
from twinledger.alerts.life import ALERTS
from twinledger.alerts.messages import CARD
from twinledger.alerts.routing import read_tree
from twinledger.alerts.states import OPEN
from twinledger.approvals import Desk
from twinledger.deeds import Comment, Entry, comments, find, found, history
from twinledger.store import models
from twinledger.vocabulary.audiences import ForFinance


@dataclass(frozen=True, slots=True)
class WantedAlerts:
    """Which alerts are asked for; empty is any. The state `open` is new, acknowledged and snoozed."""

    state: str = "open"
    department: str = ""
    """This one, and those below it."""


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
    comments: tuple[Comment, ...]
    history: tuple[Entry, ...]
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
    """One alert with its comments, history and messages, the earliest first; raises UnknownNameError."""
    with desk.store.reading() as session:
        alert = to_alert(found(session, ALERTS, alert_id))
        sent = select(models.OutboxItem).where(models.OutboxItem.kind == CARD, models.OutboxItem.subject == alert_id)
        told = session.scalars(sent.order_by(models.OutboxItem.id))
        said = comments(session, ALERTS, alert_id)
        return AlertHistory(alert, said, history(session, alert_id), tuple(map(_told, told)))


def find_alert(desk: Desk, start: str) -> str:
    """The identity of the one alert whose identity begins so; raises as `deeds.find`."""
    with desk.store.reading() as session:
        return find(session, ALERTS, start)


def _told(item: models.OutboxItem) -> AlertTold:
    said = "brought up to date" if item.facts.get("quiet") else item.facts.get("evidence") or "told"
    return AlertTold(item.channel, item.not_before, item.state, said)
