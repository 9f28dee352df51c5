"""The buttons of a review's questions: Done, Explain, Not applicable.

What belongs here: which answer a button is, and the form that explains. What does not: who may answer and what
follows, which `reviews` knows, and what every press has in common (`presses`).
"""

from __future__ import annotations

import json
from typing import Any

from slack_bolt import Ack, App

from twinledger.approvals import Desk
from twinledger.reviews import Outcome, Reply, answer
from twinledger.slack.forms import reason_form
from twinledger.slack.presses import Presses
from twinledger.slack.review_cards import DONE, EXPLAIN, NOT_APPLICABLE

Json = dict[str, Any]


class ReviewButtons:
    """Answers the buttons of reviews' cards."""

    def __init__(self, desk: Desk, presses: Presses) -> None:
        """Take where reviews are kept."""
        self._desk = desk
        self._presses = presses

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
        place = json.loads(body["actions"][0]["value"])
        self._presses.do(ack, body, lambda who, _: answer(self._desk, _reply(place, outcome, who)))

    def _ask(self, ack: Ack, body: Json) -> None:
        place = json.loads(body["actions"][0]["value"])
        titles = (f"Explain {place['item']}", "Explain")
        form = reason_form(EXPLAIN, place, titles, "Explanation, kept with the review", "Answer")
        self._presses.ask(ack, body, form)

    def _explain(self, ack: Ack, body: Json) -> None:
        place = json.loads(body["view"]["private_metadata"])
        self._presses.do_with_words(
            ack, body, lambda who, _, said: answer(self._desk, _reply(place, "explained", who, said))
        )


def _reply(place: Json, outcome: Outcome, who: str, text: str = "") -> Reply:
    where = (place["period"], place["department"], place["item"])
    return Reply(*where, outcome, who, "slack", text, int(place["shown"]))
