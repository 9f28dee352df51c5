"""What happens when somebody presses Sign or Refuse on a statement's card.

What belongs here: which step a button is, and the form that asks for a reason. What does not: who may sign and what
follows, which `signing` knows, and what every press has in common (`presses`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App

from twinledger.signing import Event, Step
from twinledger.slack.forms import reason_form
from twinledger.slack.presses import Presses, acknowledged
from twinledger.slack.signoff import REFUSE, SIGN, STATEMENT

Json = dict[str, Any]

SignOff = Callable[[Step], object]
"""Moves a statement, as `reconciliation.sign_off` does with books of its own."""


class SignoffButtons:
    """Answers the buttons of statements' cards."""

    def __init__(self, sign_off: SignOff, presses: Presses) -> None:
        """Take what moves a statement."""
        self._sign_off = sign_off
        self._presses = presses

    def listen(self, app: App) -> None:
        """Have a bolt app hand the buttons over."""
        app.action(SIGN)(self._sign)
        app.action(REFUSE)(self._ask_reason)
        app.action(STATEMENT)(acknowledged)
        app.view(REFUSE)(self._refuse)

    def _sign(self, ack: Ack, body: Json) -> None:
        place = json.loads(body["actions"][0]["value"])
        self._presses.do(ack, body, lambda who, _: self._sign_off(_step(place, "sign", who)))

    def _ask_reason(self, ack: Ack, body: Json) -> None:
        place = json.loads(body["actions"][0]["value"])
        titles = (f"Refuse {place['pool']}", "Refuse a statement")
        form = reason_form(REFUSE, place, titles, "Reason, shown to who prepared it", "Refuse")
        self._presses.ask(ack, body, form)

    def _refuse(self, ack: Ack, body: Json) -> None:
        place = json.loads(body["view"]["private_metadata"])
        self._presses.do_with_words(
            ack,
            body,
            lambda who, _, said: self._sign_off(_step(place, "refuse", who, said)),
            without="A reason is required.",
        )


def _step(place: Json, event: Event, who: str, comment: str = "") -> Step:
    return Step(place["period"], place["pool"], event, who, "slack", comment, place["shown"])
