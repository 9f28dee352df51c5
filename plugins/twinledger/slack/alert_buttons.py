"""The buttons of alerts: Acknowledge, Snooze, Explain, and the answers to whether an anomaly was one.

What belongs here: which deed a button is, and the form that explains. What does not: who may do what and what follows,
which `alerts` and `anomalies` know, and what every press has in common (`presses`).
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from slack_bolt import Ack, App
from sqlalchemy import select

from twinledger.alerts import acknowledge, comment, snooze
from twinledger.anomalies import answer
from twinledger.approvals import Desk
from twinledger.deeds import Act
from twinledger.outbox import Message, enqueue
from twinledger.outbox.messages import Audience
from twinledger.slack.alert_cards import (
    ALERT_ACKNOWLEDGE,
    ALERT_DETAILS,
    ALERT_EXPLAIN,
    ALERT_SNOOZE,
    ANSWERS,
    KIND,
)
from twinledger.slack.cards import SNOOZE_DAYS
from twinledger.slack.forms import reason_form
from twinledger.slack.presses import Presses, acknowledged
from twinledger.store.models import OutboxItem
from twinledger.vocabulary.identities import digest, short

Json = dict[str, Any]


class AlertButtons:
    """What Slack may ask of alerts."""

    def __init__(self, desk: Desk, presses: Presses) -> None:
        """Take where alerts are kept."""
        self._desk = desk
        self._presses = presses

    def listen(self, app: App) -> None:
        """Answer the buttons and the form."""
        app.action(ALERT_ACKNOWLEDGE)(self._acknowledge)
        app.action(ALERT_SNOOZE)(self._snooze)
        app.action(ALERT_EXPLAIN)(self._ask)
        app.view(ALERT_EXPLAIN)(self._explain)
        app.action(ALERT_DETAILS)(acknowledged)
        for action in ANSWERS:
            app.action(action)(self._answer)

    def _acknowledge(self, ack: Ack, body: Json) -> None:
        one = body["actions"][0]["value"]
        self._presses.do(ack, body, lambda who, key: acknowledge(self._desk, Act(one, who, "slack", key)))

    def _snooze(self, ack: Ack, body: Json) -> None:
        one, until = body["actions"][0]["value"], self._desk.clock.now() + timedelta(days=SNOOZE_DAYS)
        self._presses.do(ack, body, lambda who, key: snooze(self._desk, Act(one, who, "slack", key), until))

    def _answer(self, ack: Ack, body: Json) -> None:
        pressed = body["actions"][0]
        place, verdict = json.loads(pressed["value"]), ANSWERS[pressed["action_id"]]

        def do(who: str, key: str) -> None:
            answer(self._desk, place["anomaly"], who, verdict, "slack", key)
            show_again(self._desk, place["alert"], f"answered {verdict}")

        self._presses.do(ack, body, do)

    def _ask(self, ack: Ack, body: Json) -> None:
        one = body["actions"][0]["value"]
        titles = (f"Alert {short(one)}", "Explain an alert")
        form = reason_form(ALERT_EXPLAIN, {"alert": one}, titles, "Explanation, kept with the alert", "Comment")
        self._presses.ask(ack, body, form)

    def _explain(self, ack: Ack, body: Json) -> None:
        one = json.loads(body["view"]["private_metadata"])["alert"]
        self._presses.do_with_words(
            ack, body, lambda who, key, said: comment(self._desk, Act(one, who, "slack", key), said)
        )


def show_again(desk: Desk, alert: str, evidence: str) -> None:
    """Bring the messages of an alert up to date wherever it was told; nobody is called by it.

    `evidence` says what changed, so that a repetition is not told twice. What still waits for its time goes first.
    """
    query = select(OutboxItem).where(OutboxItem.kind == KIND, OutboxItem.subject == alert).order_by(OutboxItem.id)
    with desk.store.transaction() as session:
        last = {item.channel: item for item in session.scalars(query)}
        for item in last.values():
            audience: Audience = "finance" if item.audience == "finance" else "everyone"
            facts = {**item.facts, "quiet": True}
            waits_until = item.not_before if item.state == "pending" else None
            made = Message(KIND, alert, item.channel, audience, facts, digest(item.key, evidence), waits_until)
            enqueue(session, made, desk.clock)
