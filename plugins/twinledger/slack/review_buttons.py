"""The buttons of a review's questions: Done, Explain, Not applicable.

What belongs here: from a click to an answer, the form that explains, and what is told privately to whom it was
refused. What does not: who may answer and what follows, which `reviews` knows.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError

from twinledger.approvals import Desk, by_slack_user
from twinledger.reviews import Outcome, Reply, answer
from twinledger.slack.cards import when
from twinledger.slack.forms import REASON, reason_form, reason_given
from twinledger.slack.review_cards import DONE, EXPLAIN, NOT_APPLICABLE
from twinledger.vocabulary.errors import AlreadyDecidedError, TwinledgerError

log = logging.getLogger(__name__)

Json = dict[str, Any]


class ReviewButtons:
    """Answers the buttons of reviews' cards; each answer is in the store before Slack gets its acknowledgement."""

    def __init__(
        self, desk: Desk, client: WebClient, tell: Callable[[str, str, str], None], nudge: Callable[[], None]
    ) -> None:
        """Take where reviews are kept; `tell` speaks to (channel, user) privately, `nudge` has the outbox drained."""
        self._desk = desk
        self._client = client
        self._tell = tell
        self._nudge = nudge

    def listen(self, app: App) -> None:
        """Answer the buttons and the form."""
        app.action(DONE)(self._done)
        app.action(NOT_APPLICABLE)(self._not_applicable)
        app.action(EXPLAIN)(self._ask)
        app.view(EXPLAIN)(self._explain)

    def _done(self, ack: Ack, body: Json) -> None:
        self._press(ack, body, "done")

    def _not_applicable(self, ack: Ack, body: Json) -> None:
        self._press(ack, body, "not applicable")

    def _press(self, ack: Ack, body: Json, outcome: Outcome) -> None:
        refusal = self._answered(body, json.loads(body["actions"][0]["value"]), outcome)
        ack()
        if refusal:
            self._tell(body["channel"]["id"], body["user"]["id"], refusal)
        self._nudge()

    def _ask(self, ack: Ack, body: Json) -> None:
        ack()
        place = json.loads(body["actions"][0]["value"])
        titles = (f"Explain {place['item']}", "Explain")
        form = reason_form(EXPLAIN, place, titles, "Explanation, kept with the review", "Answer")
        try:
            self._client.views_open(trigger_id=body["trigger_id"], view=form)
        except (SlackClientError, OSError) as error:
            log.warning("the form for an explanation did not open: %s", type(error).__name__)

    def _explain(self, ack: Ack, body: Json) -> None:
        said = reason_given(body["view"])
        if not said:
            ack(response_action="errors", errors={REASON: "Some words are required."})
            return
        refusal = self._answered(body, json.loads(body["view"]["private_metadata"]), "explained", said)
        if refusal:
            ack(response_action="errors", errors={REASON: refusal})
        else:
            ack()
        self._nudge()

    def _answered(self, body: Json, place: Json, outcome: Outcome, text: str = "") -> str:
        """Answer; returns what to tell privately to whom it was refused."""
        try:
            with self._desk.store.reading() as session:
                person = by_slack_user(session, body["user"]["id"])
            shown = int(place["shown"])
            where = (place["period"], place["department"], place["item"])
            answer(self._desk, Reply(*where, outcome, person, "slack", text, shown))
        except AlreadyDecidedError as error:
            return f"Already {error.outcome} by {error.who} at {when(datetime.fromisoformat(error.when))}"
        except TwinledgerError as error:
            return f"Not recorded: {error}"
        return ""
