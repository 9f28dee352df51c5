"""The buttons of a reconciliation message's breaks: Acknowledge, Snooze, Explain.

What belongs here: which deed a button is, and the form that explains. What does not: who may do what and what follows,
which `reconciliation` knows, and what every press has in common (`presses`).
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from slack_bolt import Ack, App

from twinledger.approvals import Desk
from twinledger.deeds import Act
from twinledger.reconciliation import acknowledge, comment, snooze
from twinledger.slack.cards import BREAK_ACKNOWLEDGE, BREAK_EXPLAIN, BREAK_SNOOZE, SNOOZE_DAYS
from twinledger.slack.forms import reason_form
from twinledger.slack.presses import Presses
from twinledger.vocabulary.identities import short

Json = dict[str, Any]


class BreakButtons:
    """What Slack may ask of breaks."""

    def __init__(self, desk: Desk, presses: Presses) -> None:
        """Take where breaks are kept."""
        self._desk = desk
        self._presses = presses

    def listen(self, app: App) -> None:
        """Answer the buttons and the form."""
        app.action(BREAK_ACKNOWLEDGE)(self._acknowledge)
        app.action(BREAK_SNOOZE)(self._snooze)
        app.action(BREAK_EXPLAIN)(self._ask)
        app.view(BREAK_EXPLAIN)(self._explain)

    def _acknowledge(self, ack: Ack, body: Json) -> None:
        one = body["actions"][0]["value"]
        self._presses.do(ack, body, lambda who, key: acknowledge(self._desk, Act(one, who, "slack", key)))

    def _snooze(self, ack: Ack, body: Json) -> None:
        one, until = body["actions"][0]["value"], self._desk.clock.now() + timedelta(days=SNOOZE_DAYS)
        self._presses.do(ack, body, lambda who, key: snooze(self._desk, Act(one, who, "slack", key), until))

    def _ask(self, ack: Ack, body: Json) -> None:
        one = body["actions"][0]["value"]
        titles = (f"Break {short(one)}", "Explain a break")
        form = reason_form(BREAK_EXPLAIN, {"break": one}, titles, "Explanation, kept with the break", "Comment")
        self._presses.ask(ack, body, form)

    def _explain(self, ack: Ack, body: Json) -> None:
        one = json.loads(body["view"]["private_metadata"])["break"]
        self._presses.do_with_words(
            ack, body, lambda who, key, said: comment(self._desk, Act(one, who, "slack", key), said)
        )
