"""The buttons of alerts: Acknowledge, Snooze, Explain, and the answers to whether an anomaly was one.

What belongs here: from a click to a deed, and the form that explains. What does not: who may do what and what follows,
which `alerts` and `anomalies` know.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError
from sqlalchemy import select

from twinledger.alerts import Act, acknowledge, comment, snooze
from twinledger.anomalies import answer
from twinledger.approvals import Desk, by_slack_user
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
from twinledger.slack.blocks import Block
from twinledger.slack.cards import SNOOZE_DAYS, when
from twinledger.slack.forms import REASON, reason_form, reason_given
from twinledger.store.models import OutboxItem
from twinledger.vocabulary.audiences import sentence_for_everyone
from twinledger.vocabulary.errors import AlreadyDecidedError, TwinledgerError
from twinledger.vocabulary.identities import digest, short

log = logging.getLogger(__name__)

Json = dict[str, Any]
Do = Callable[[str, str], object]
"""Does something as (person, key of the click)."""


class AlertButtons:
    """What Slack may ask of alerts; each deed is in the store before Slack gets its acknowledgement."""

    def __init__(
        self, desk: Desk, client: WebClient, tell: Callable[[str, str, str], None], nudge: Callable[[], None]
    ) -> None:
        """Take where alerts are kept; `tell` speaks to (channel, user) privately, `nudge` has the outbox drained."""
        self._desk = desk
        self._client = client
        self._tell = tell
        self._nudge = nudge

    def listen(self, app: App) -> None:
        """Answer the buttons and the form."""
        app.action(ALERT_ACKNOWLEDGE)(self._acknowledge)
        app.action(ALERT_SNOOZE)(self._snooze)
        app.action(ALERT_EXPLAIN)(self._ask)
        app.view(ALERT_EXPLAIN)(self._explain)
        app.action(ALERT_DETAILS)(_acknowledged)
        for action in ANSWERS:
            app.action(action)(self._answer)

    def _acknowledge(self, ack: Ack, body: Json) -> None:
        alert = body["actions"][0]["value"]
        self._press(ack, body, lambda who, key: acknowledge(self._desk, Act(alert, who, "slack", key)))

    def _snooze(self, ack: Ack, body: Json) -> None:
        alert = body["actions"][0]["value"]
        until = self._desk.clock.now() + timedelta(days=SNOOZE_DAYS)
        self._press(ack, body, lambda who, key: snooze(self._desk, Act(alert, who, "slack", key), until))

    def _answer(self, ack: Ack, body: Json) -> None:
        pressed = body["actions"][0]
        place, verdict = json.loads(pressed["value"]), ANSWERS[pressed["action_id"]]

        def do(who: str, key: str) -> None:
            answer(self._desk, place["anomaly"], who, verdict, "slack", key)
            show_again(self._desk, place["alert"], f"answered {verdict}")

        self._press(ack, body, do)

    def _press(self, ack: Ack, body: Json, do: Do) -> None:
        refusal = self._done(body, do)
        ack()
        if refusal:
            self._tell(body["channel"]["id"], body["user"]["id"], refusal)
        self._nudge()

    def _ask(self, ack: Ack, body: Json) -> None:
        ack()
        try:
            self._client.views_open(trigger_id=body["trigger_id"], view=_form(body["actions"][0]["value"]))
        except (SlackClientError, OSError) as error:
            log.warning("the form for an explanation did not open: %s", type(error).__name__)

    def _explain(self, ack: Ack, body: Json) -> None:
        said = reason_given(body["view"])
        if not said:
            ack(response_action="errors", errors={REASON: "Some words are required."})
            return
        alert = json.loads(body["view"]["private_metadata"])["alert"]
        refusal = self._done(body, lambda who, key: comment(self._desk, Act(alert, who, "slack", key), said))
        if refusal:
            ack(response_action="errors", errors={REASON: refusal})
        else:
            ack()

    def _done(self, body: Json, do: Do) -> str:
        """Do it; returns what to tell privately to whom it was refused."""
        key = f"slack:{body.get('trigger_id') or digest(json.dumps(body, sort_keys=True))}"
        try:
            with self._desk.store.reading() as session:
                person = by_slack_user(session, body["user"]["id"])
            do(person, key)
        except AlreadyDecidedError as error:
            at = f" at {when(datetime.fromisoformat(error.when))}" if error.when else ""
            return f"Already {error.outcome} by {error.who}{at}"
        except TwinledgerError as error:
            return f"Not recorded: {sentence_for_everyone(error)}"
        return ""


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


def _acknowledged(ack: Ack) -> None:
    """A link was followed: Slack tells, and wants to hear that it did."""
    ack()


def _form(alert: str) -> Block:
    """The form that asks what an alert is about."""
    titles = (f"Alert {short(alert)}", "Explain an alert")
    return reason_form(ALERT_EXPLAIN, {"alert": alert}, titles, "Explanation, kept with the alert", "Comment")
