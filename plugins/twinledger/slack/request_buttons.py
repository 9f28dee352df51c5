"""The buttons of a request, on its card and in App Home: Approve, Deny, Withdraw.

What belongs here: from a click to a decision, and what is told privately to whom it was refused. What does not: who
may decide and what follows, which `approvals` knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from slack_bolt import Ack, App
from slack_sdk import WebClient

from twinledger.approvals import Answer, Decision, Desk, by_slack_user, decide, withdraw
from twinledger.slack.afterwards import Afterwards
from twinledger.slack.cards import APPROVE, DENY, DETAILS, already, when
from twinledger.slack.forms import REASON, reason_form, reason_given
from twinledger.slack.home import WITHDRAW, Home
from twinledger.slack.render import approval_facts, person_title
from twinledger.vocabulary.audiences import sentence_for_everyone
from twinledger.vocabulary.errors import AlreadyDecidedError, TwinledgerError
from twinledger.vocabulary.identities import digest

Json = dict[str, Any]
Tell = Callable[[str, str, str], None]


class Place(NamedTuple):
    """What a button is of: a request, and the stage that the person saw, where the button says it."""

    request: str
    stage: int | None

    @classmethod
    def of(cls, value: str) -> Place:
        """From a button's value: `req-1`, or `req-1#0`."""
        request, _, stage = value.partition("#")
        return cls(request, int(stage) if stage.isascii() and stage.isdigit() else None)


class RequestButtons:
    """Answers the buttons; a decision is claimed in the store before Slack gets its acknowledgement."""

    def __init__(self, desk: Desk, client: WebClient, home: Home, tell: Tell, afterwards: Afterwards) -> None:
        """Take where requests are kept, the client that opens forms, and where people are told of a refusal."""
        self._desk = desk
        self._client = client
        self._home = home
        self._tell = tell
        self._afterwards = afterwards

    def listen(self, app: App) -> None:
        """Have a bolt app hand the buttons over."""
        app.action(APPROVE)(self._approve)
        app.action(DENY)(self._ask_reason)
        app.action(WITHDRAW)(self._withdraw)
        app.action(DETAILS)(_acknowledge)
        app.view(DENY)(self._deny)

    def _approve(self, ack: Ack, body: Json) -> None:
        refusal = self._decide(body, Place.of(body["actions"][0]["value"]), "approve", "")
        ack()
        self._after(body, refusal)

    def _withdraw(self, ack: Ack, body: Json) -> None:
        request = Place.of(body["actions"][0]["value"]).request
        refusal = self._done(
            body, request, lambda who, key: withdraw(self._desk, request, who, surface="slack", interaction_key=key)
        )
        ack()
        self._after(body, refusal)

    def _ask_reason(self, ack: Ack, body: Json) -> None:
        ack()
        value = body["actions"][0]["value"]
        titles = (f"Deny {Place.of(value).request}", "Deny a request")
        form = reason_form(DENY, {"request": value}, titles, "Reason, shown to the requester", "Deny")
        self._afterwards.call(
            "opening the form for a reason", lambda: self._client.views_open(trigger_id=body["trigger_id"], view=form)
        )

    def _deny(self, ack: Ack, body: Json) -> None:
        view = body["view"]
        reason = reason_given(view)
        if not reason:
            ack(response_action="errors", errors={REASON: "A reason is required."})
            return
        refusal = self._decide(body, Place.of(json.loads(view["private_metadata"])["request"]), "deny", reason)
        if refusal:
            ack(response_action="errors", errors={REASON: refusal})
        else:
            ack()
        self._afterwards.nudge()
        self._home.show(body["user"]["id"])

    # --- what all do ----------------------------------------------------------------------------

    def _decide(self, body: Json, place: Place, answer: Answer, comment: str) -> str:
        def claim(person: str, key: str) -> object:
            return decide(self._desk, Decision(place.request, person, answer, "slack", key, comment, place.stage))

        return self._done(body, place.request, claim)

    def _done(self, body: Json, request: str, claim: Callable[[str, str], object]) -> str:
        """Claim it; returns what to tell privately to whom it was refused."""
        key = f"slack:{body.get('trigger_id') or digest(json.dumps(body, sort_keys=True))}"
        try:
            with self._desk.store.reading() as session:
                person = by_slack_user(session, body["user"]["id"])
            claim(person, key)
        except AlreadyDecidedError as error:
            return self._already(request, error)
        except TwinledgerError as error:
            return f"Not recorded: {sentence_for_everyone(error)}"
        return ""

    def _already(self, request: str, error: AlreadyDecidedError) -> str:
        """Who came first: of the whole request, or of a stage while a later one waits."""
        with self._desk.store.reading() as session:
            facts = approval_facts(session, request)
            who = person_title(session, error.who)
        return already(facts) if facts.decision else f"Already {error.outcome} by {who} at {_at(error.when)}"

    def _after(self, body: Json, refusal: str) -> None:
        """Tell of a refusal where the button was pressed, send what follows, and show App Home as it is now."""
        channel, user = (body.get("channel") or {}).get("id", ""), body["user"]["id"]
        if refusal and channel:
            self._tell(channel, user, refusal)
        self._afterwards.nudge()
        self._home.show(user, "" if channel else refusal)


def _at(instant: str) -> str:
    return when(datetime.fromisoformat(instant))


def _acknowledge(ack: Ack) -> None:
    ack()
