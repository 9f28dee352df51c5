"""What happens when somebody presses a button in Slack.

What belongs here: checking that it was Slack who called, finding out who pressed, and handing the
answer to `approvals`. What does not: who may decide and what follows, which `approvals` knows.

One bolt app answers whatever Slack posts. The decision is claimed in the store, with everything that
is to be sent of it, before Slack gets its acknowledgement: a process that dies after it has lost
nothing, and one that dies before it has done nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slack_bolt import Ack, App, BoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from twinledger.approvals import Answer, Decision, Desk, by_slack_user, decide
from twinledger.slack.blocks import escaped
from twinledger.slack.break_buttons import BreakButtons
from twinledger.slack.cards import APPROVE, DENY, DETAILS, already
from twinledger.slack.forms import REASON, reason_form, reason_given
from twinledger.slack.render import approval_facts
from twinledger.slack.signoff_buttons import SignOff, SignoffButtons
from twinledger.vocabulary.errors import AlreadyDecidedError, TwinledgerError
from twinledger.vocabulary.identities import digest

WINDOW_SECONDS = 300
"""How old a request of Slack may be; https://docs.slack.dev/authentication/verifying-requests-from-slack"""

_WORKERS = 8

log = logging.getLogger(__name__)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What goes back to Slack."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def verified(secret: str, body: bytes, headers: Mapping[str, str], now: datetime) -> bool:
    """Whether Slack signed these very bytes, not more than five minutes from now.

    Never raises: a timestamp that is no number and a signature that is not ASCII are refused too.
    """
    known = {name.lower(): value for name, value in headers.items()}
    stamp = known.get("x-slack-request-timestamp", "")
    signature = known.get("x-slack-signature", "")
    if not secret or not (stamp.isascii() and stamp.isdigit() and len(stamp) < len("9999999999999")):
        return False
    if abs(now.timestamp() - int(stamp)) > WINDOW_SECONDS:
        return False
    mac = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
    return hmac.compare_digest(f"v0={mac.hexdigest()}".encode(), signature.encode("utf-8", "replace"))


def _nothing() -> None:
    """Leave sending to the next run of the outbox."""


class SlackHandler:
    """Everything that Slack may ask of us; `handle` is the only way in by HTTP."""

    def __init__(
        self,
        desk: Desk,
        client: WebClient,
        after_decision: Callable[[], object] = _nothing,
        sign_off: SignOff | None = None,
    ) -> None:
        """Take where requests are kept, and the client that opens forms and tells people privately.

        `after_decision` runs when Slack has its acknowledgement; it may fail: the outbox is drained anyway.
        Without `sign_off` the buttons of statements are not answered.
        """
        self._desk = desk
        self._client = client
        self._after_decision = after_decision
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="slack")
        self._app = _bolt_app(client, self._workers)
        self._app.action(APPROVE)(self._approve)
        self._app.action(DENY)(self._ask_reason)
        self._app.action(DETAILS)(_acknowledge)
        self._app.view(DENY)(self._deny)
        BreakButtons(desk, client, self._tell, self._nudge).listen(self._app)
        if sign_off:
            SignoffButtons(desk, client, sign_off, self._tell, self._nudge).listen(self._app)

    def handle(self, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Answer one HTTP request of Slack: 401 when it is not Slack's, 400 when it cannot be read."""
        secret = self._desk.settings.slack.signing_secret.get_secret_value()
        if not verified(secret, body, headers, self._desk.clock.now()):
            log.warning("refused a request that is not signed by Slack, or too old")
            return HttpReply(401)
        try:
            request = BoltRequest(body=body.decode(), headers=dict(headers))
        except ValueError:
            return HttpReply(400)
        reply = self._app.dispatch(request)
        return HttpReply(reply.status, reply.body or "", reply.first_headers_without_set_cookie())

    def close(self) -> None:
        """Wait for what is under way."""
        self._workers.shutdown(wait=True)

    # --- buttons --------------------------------------------------------------------------------

    def _approve(self, ack: Ack, body: Json) -> None:
        refusal = self._decide(body, body["actions"][0]["value"], "approve", "")
        ack()
        if refusal:
            self._tell(body["channel"]["id"], body["user"]["id"], refusal)
        self._nudge()

    def _ask_reason(self, ack: Ack, body: Json) -> None:
        ack()
        place = {"request": body["actions"][0]["value"], "channel": body["channel"]["id"]}
        try:
            titles = (f"Deny {place['request']}", "Deny a request")
            form = reason_form(DENY, place, titles, "Reason, shown to the requester", "Deny")
            self._client.views_open(trigger_id=body["trigger_id"], view=form)
        except (SlackClientError, OSError) as error:
            log.warning("the form for a reason did not open: %s", type(error).__name__)

    def _deny(self, ack: Ack, body: Json) -> None:
        view = body["view"]
        reason = reason_given(view)
        if not reason:
            ack(response_action="errors", errors={REASON: "A reason is required."})
            return
        refusal = self._decide(body, json.loads(view["private_metadata"])["request"], "deny", reason)
        if refusal:
            ack(response_action="errors", errors={REASON: refusal})
        else:
            ack()
        self._nudge()

    # --- what both do ---------------------------------------------------------------------------

    def _decide(self, body: Json, request: str, answer: Answer, comment: str) -> str:
        """Claim the decision; returns what to tell privately to whom it was refused."""
        key = f"slack:{body.get('trigger_id') or digest(json.dumps(body, sort_keys=True))}"
        try:
            with self._desk.store.reading() as session:
                person = by_slack_user(session, body["user"]["id"])
            decide(self._desk, Decision(request, person, answer, "slack", key, comment))
        except AlreadyDecidedError:
            with self._desk.store.reading() as session:
                return already(approval_facts(session, request))
        except TwinledgerError as error:
            return f"Not recorded: {error}"
        return ""

    def _tell(self, channel: str, user: str, text: str) -> None:
        try:
            self._client.chat_postEphemeral(channel=channel, user=user, text=escaped(text))
        except (SlackApiError, SlackClientError, OSError) as error:
            log.warning("somebody could not be told privately: %s", type(error).__name__)

    def _nudge(self) -> None:
        try:
            self._after_decision()
        except Exception as error:  # noqa: BLE001 - the decision stands; the outbox is drained by the next run
            log.warning("what follows a decision failed: %s", type(error).__name__)


def _acknowledge(ack: Ack) -> None:
    ack()


def _bolt_app(client: WebClient, workers: ThreadPoolExecutor) -> App:
    """The bolt app; its signature check is off, for `SlackHandler.handle` has checked the raw bytes before.

    Bolt's check raises on a malformed header and logs the body; its logger is kept to errors, for at
    lower levels it prints bodies too. `authorize` answers by itself: no call to Slack is in the way
    of a decision.
    """
    quiet = logging.getLogger(f"{__name__}.bolt")
    quiet.setLevel(logging.ERROR)
    app = App(
        logger=quiet,
        client=client,
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None, bot_token=client.token),
        request_verification_enabled=False,
        token_verification_enabled=False,
        listener_executor=workers,
    )
    app.error(_log_kind)
    return app


def _log_kind(error: Exception) -> None:
    log.error("an interaction of Slack failed: %s", type(error).__name__)
