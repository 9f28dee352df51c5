"""What happens when somebody presses Sign or Refuse on a statement's card.

What belongs here: from a click to a step, and what is told privately to whom it was refused. What does not: who may
sign and what follows, which `signing` knows.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError

from twinledger.approvals import Desk, by_slack_user
from twinledger.signing import Event, Step
from twinledger.slack.forms import REASON, reason_form, reason_given
from twinledger.slack.signoff import REFUSE, SIGN, STATEMENT
from twinledger.vocabulary.errors import AlreadyDecidedError, TwinledgerError

log = logging.getLogger(__name__)

Json = dict[str, Any]

SignOff = Callable[[Step], object]
"""Moves a statement, as `reconciliation.sign_off` does with books of its own."""


class SignoffButtons:
    """Answers the buttons of statements' cards."""

    def __init__(
        self,
        desk: Desk,
        client: WebClient,
        sign_off: SignOff,
        tell: Callable[[str, str, str], None],
        nudge: Callable[[], None],
    ) -> None:
        """Take who is whom, the client that opens forms, and how people are told and the outbox is drained."""
        self._desk = desk
        self._client = client
        self._sign_off = sign_off
        self._tell = tell
        self._nudge = nudge

    def listen(self, app: App) -> None:
        """Have a bolt app hand the buttons over."""
        app.action(SIGN)(self._sign)
        app.action(REFUSE)(self._ask_reason)
        app.action(STATEMENT)(_acknowledge)
        app.view(REFUSE)(self._refuse)

    def _sign(self, ack: Ack, body: Json) -> None:
        refusal = self._move(body, json.loads(body["actions"][0]["value"]), "sign", "")
        ack()
        if refusal:
            self._tell(body["channel"]["id"], body["user"]["id"], refusal)
        self._nudge()

    def _ask_reason(self, ack: Ack, body: Json) -> None:
        ack()
        place = json.loads(body["actions"][0]["value"])
        titles = (f"Refuse {place['pool']}", "Refuse a statement")
        form = reason_form(REFUSE, place, titles, "Reason, shown to who prepared it", "Refuse")
        try:
            self._client.views_open(trigger_id=body["trigger_id"], view=form)
        except (SlackClientError, OSError) as error:
            log.warning("the form for a reason did not open: %s", type(error).__name__)

    def _refuse(self, ack: Ack, body: Json) -> None:
        reason = reason_given(body["view"])
        if not reason:
            ack(response_action="errors", errors={REASON: "A reason is required."})
            return
        refusal = self._move(body, json.loads(body["view"]["private_metadata"]), "refuse", reason)
        if refusal:
            ack(response_action="errors", errors={REASON: refusal})
        else:
            ack()
        self._nudge()

    def _move(self, body: Json, place: Json, event: Event, comment: str) -> str:
        """Sign or refuse; returns what to tell privately to whom it was refused."""
        try:
            with self._desk.store.reading() as session:
                person = by_slack_user(session, body["user"]["id"])
            self._sign_off(Step(place["period"], place["pool"], event, person, "slack", comment, place["shown"]))
        except AlreadyDecidedError as error:
            return f"Already {error.outcome} by {error.who} at {error.when}"
        except TwinledgerError as error:
            return f"Not recorded: {error}"
        return ""


def _acknowledge(ack: Ack) -> None:
    ack()
