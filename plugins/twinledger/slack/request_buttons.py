"""The buttons of a request, on its card and in App Home: Approve, Deny, Withdraw.

What belongs here: from a click to an answer that is written down before Slack gets its acknowledgement, and carried
out after it. What does not: what it comes to and what is told of a refusal (`answers`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from slack_bolt import Ack, App
from slack_sdk import WebClient

from twinledger.approvals import Desk, Said, write_down
from twinledger.slack.afterwards import Afterwards
from twinledger.slack.answers import refusal_of
from twinledger.slack.cards import APPROVE, DENY, DETAILS
from twinledger.slack.forms import LONGEST_REASON, REASON, reason_form, reason_given
from twinledger.slack.home import WITHDRAW, Home
from twinledger.slack.presses import acknowledged
from twinledger.vocabulary.identities import digest

log = logging.getLogger(__name__)

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
    """Answers the buttons."""

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
        app.action(DETAILS)(acknowledged)
        app.view(DENY)(self._deny)

    def _approve(self, ack: Ack, body: Json) -> None:
        self._said(ack, _pressed(body, "approve"))

    def _withdraw(self, ack: Ack, body: Json) -> None:
        self._said(ack, _pressed(body, "withdraw"))

    def _ask_reason(self, ack: Ack, body: Json) -> None:
        ack()
        value = body["actions"][0]["value"]
        titles = (f"Deny {Place.of(value).request}", "Deny a request")
        kept = {"request": value, "channel": _channel(body)}
        form = reason_form(DENY, kept, titles, "Reason, shown to the requester", "Deny")
        self._afterwards.call(
            "opening the form for a reason", lambda: self._client.views_open(trigger_id=body["trigger_id"], view=form)
        )

    def _deny(self, ack: Ack, body: Json) -> None:
        view = body["view"]
        reason = reason_given(view)
        if not reason:
            ack(response_action="errors", errors={REASON: "A reason is required."})
            return
        if len(reason) > LONGEST_REASON:
            log.warning("refused a form with more than it lets people write")
            ack(response_action="errors", errors={REASON: f"Expected at most {LONGEST_REASON} characters."})
            return
        kept = json.loads(view["private_metadata"])
        place = Place.of(kept["request"])
        channel = kept.get("channel", "")
        self._said(ack, Said(place.request, "deny", *_by(body), reason, place.stage, channel))

    # --- what all do ----------------------------------------------------------------------------

    def _said(self, ack: Ack, said: Said) -> None:
        """Write it down, acknowledge, carry it out. What came before is under way, or has its result."""
        is_new = write_down(self._desk, said)
        ack()
        if is_new:
            self._afterwards.decide("an answer", lambda: self._carried_out(said))

    def _carried_out(self, said: Said) -> None:
        """Tell of a refusal where the button was pressed, send what follows, and show App Home as it is now."""
        refusal = refusal_of(self._desk, said)
        if refusal and said.channel:
            self._tell(said.channel, said.user, refusal)
        self._afterwards.nudge()
        self._home.show(said.user, "" if said.channel else refusal)


def _pressed(body: Json, event: Literal["approve", "withdraw"]) -> Said:
    place = Place.of(body["actions"][0]["value"])
    stage = place.stage if event == "approve" else None
    return Said(place.request, event, *_by(body), stage=stage, channel=_channel(body))


def _by(body: Json) -> tuple[str, str]:
    """Who it was, and Slack's identity of the interaction."""
    identity = body.get("trigger_id") or digest(json.dumps(body, sort_keys=True))
    return body["user"]["id"], f"slack:{identity}"


def _channel(body: Json) -> str:
    """Where a button was pressed; empty in App Home."""
    return str((body.get("channel") or {}).get("id", ""))
