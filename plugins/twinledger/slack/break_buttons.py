"""The buttons of a reconciliation message's breaks: Acknowledge, Snooze, Explain.

What belongs here: from a click to a deed on a break, and the form that explains. What does not: who may do what and
what follows, which `reconciliation` knows.
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

from twinledger.approvals import Desk, by_slack_user
from twinledger.reconciliation import Act, acknowledge, comment, snooze
from twinledger.slack.blocks import Block
from twinledger.slack.cards import BREAK_ACKNOWLEDGE, BREAK_EXPLAIN, BREAK_SNOOZE, SNOOZE_DAYS, when
from twinledger.slack.forms import REASON, reason_form, reason_given
from twinledger.vocabulary.errors import AlreadyDecidedError, TwinledgerError
from twinledger.vocabulary.identities import digest, short

log = logging.getLogger(__name__)

Json = dict[str, Any]
Do = Callable[[Act], object]


class BreakButtons:
    """What Slack may ask of breaks; each deed is claimed in the store before Slack gets its acknowledgement."""

    def __init__(
        self, desk: Desk, client: WebClient, tell: Callable[[str, str, str], None], nudge: Callable[[], None]
    ) -> None:
        """Take where breaks are kept; `tell` speaks to (channel, user) privately, `nudge` has the outbox drained."""
        self._desk = desk
        self._client = client
        self._tell = tell
        self._nudge = nudge

    def listen(self, app: App) -> None:
        """Answer the buttons and the form."""
        app.action(BREAK_ACKNOWLEDGE)(self._acknowledge)
        app.action(BREAK_SNOOZE)(self._snooze)
        app.action(BREAK_EXPLAIN)(self._ask)
        app.view(BREAK_EXPLAIN)(self._explain)

    def _acknowledge(self, ack: Ack, body: Json) -> None:
        self._press(ack, body, lambda act: acknowledge(self._desk, act))

    def _snooze(self, ack: Ack, body: Json) -> None:
        until = self._desk.clock.now() + timedelta(days=SNOOZE_DAYS)
        self._press(ack, body, lambda act: snooze(self._desk, act, until))

    def _press(self, ack: Ack, body: Json, do: Do) -> None:
        refusal = self._done(body, body["actions"][0]["value"], do)
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
        view = body["view"]
        said = reason_given(view)
        if not said:
            ack(response_action="errors", errors={REASON: "Some words are required."})
            return
        break_id = json.loads(view["private_metadata"])["break"]
        refusal = self._done(body, break_id, lambda act: comment(self._desk, act, said))
        if refusal:
            ack(response_action="errors", errors={REASON: refusal})
        else:
            ack()

    def _done(self, body: Json, break_id: str, do: Do) -> str:
        """Do it; returns what to tell privately to whom it was refused."""
        key = f"slack:{body.get('trigger_id') or digest(json.dumps(body, sort_keys=True))}"
        try:
            with self._desk.store.reading() as session:
                person = by_slack_user(session, body["user"]["id"])
            do(Act(break_id, person, "slack", key))
        except AlreadyDecidedError as error:
            return f"Already {error.outcome} by {error.who} at {when(datetime.fromisoformat(error.when))}"
        except TwinledgerError as error:
            return f"Not recorded: {error}"
        return ""


def _form(break_id: str) -> Block:
    """The form that asks what a break is about."""
    titles = (f"Break {short(break_id)}", "Explain a break")
    return reason_form(BREAK_EXPLAIN, {"break": break_id}, titles, "Explanation, kept with the break", "Comment")
