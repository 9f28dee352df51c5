"""From a press of a button, or a form sent, to one deed, and what somebody is told of it.

What belongs here: who pressed and which press it was, doing it before Slack gets its acknowledgement, the form that
asks for words, and what a refusal says. What does not: which buttons there are (`break_buttons`, `alert_buttons`,
`review_buttons`, `signoff_buttons`), and those of requests, which are written down first (`request_buttons`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from slack_bolt import Ack
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError

from twinledger.approvals import Desk, by_slack_user
from twinledger.slack.blocks import Block
from twinledger.slack.cards import when
from twinledger.slack.forms import REASON, reason_given
from twinledger.vocabulary.audiences import sentence_for_everyone
from twinledger.vocabulary.errors import AlreadyDecidedError, TwinledgerError
from twinledger.vocabulary.identities import digest

log = logging.getLogger(__name__)

Json = dict[str, Any]
Do = Callable[[str, str], object]
"""Does something as (person, key of the press)."""
DoWithWords = Callable[[str, str, str], object]
"""Does something as (person, key of the press) with what they wrote."""


class Presses:
    """What every button does that comes to one deed."""

    def __init__(
        self,
        desk: Desk,
        client: WebClient,
        tell: Callable[[str, str, str], None],
        nudge: Callable[[], None],
        sentence: Callable[[TwinledgerError], str] = sentence_for_everyone,
    ) -> None:
        """Take who is whom, and what opens forms.

        `tell` speaks to (channel, user) privately, `nudge` has the outbox drained, `sentence` is what whoever pressed
        may read of a refusal.
        """
        self._desk = desk
        self._sentence = sentence
        self._client = client
        self._tell = tell
        self._nudge = nudge

    def do(self, ack: Ack, body: Json, do: Do) -> None:
        """Do what a button says, acknowledge, and tell privately of a refusal."""
        refusal = self._refusal(body, do)
        ack()
        if refusal:
            self._tell(body["channel"]["id"], body["user"]["id"], refusal)
        self._nudge()

    def ask(self, ack: Ack, body: Json, form: Block) -> None:
        """Open a form that asks for words."""
        ack()
        try:
            self._client.views_open(trigger_id=body["trigger_id"], view=form)
        except (SlackClientError, OSError) as error:
            log.warning("a form did not open: %s", type(error).__name__)

    def do_with_words(self, ack: Ack, body: Json, do: DoWithWords, without: str = "Some words are required.") -> None:
        """Do what a form says; one `without` words, and a refusal, are shown in the form."""
        said = reason_given(body["view"])
        refusal = self._refusal(body, lambda who, key: do(who, key, said)) if said else without
        if refusal:
            ack(response_action="errors", errors={REASON: refusal})
        else:
            ack()
        self._nudge()

    def _refusal(self, body: Json, do: Do) -> str:
        """Do it; what to tell whom it was refused, else nothing."""
        key = f"slack:{body.get('trigger_id') or digest(json.dumps(body, sort_keys=True))}"
        try:
            with self._desk.store.reading() as session:
                person = by_slack_user(session, body["user"]["id"])
            do(person, key)
        except AlreadyDecidedError as error:
            at = f" at {when(datetime.fromisoformat(error.when))}" if error.when else ""
            return f"Already {error.outcome} by {error.who}{at}"
        except TwinledgerError as error:
            return f"Not recorded: {self._sentence(error)}"
        return ""


def acknowledged(ack: Ack) -> None:
    """A link was followed: Slack tells, and wants to hear that it did."""
    ack()
